//! The conformance sink (tests/conformance/README.md) with the Zig SDK: what it can, each thing once.

const std = @import("std");
const weir = @import("weir.zig");

pub const panic = weir.panic;
pub const std_options = weir.std_options; // brings std.log to weir's log

comptime {
    weir.sink(@This());
}

const Config = struct {
    do: Do,
    text: []const u8 = "",
    number: u32 = 0,
    url: []const u8 = "",
};

const Do = enum {
    refuse,
    documents,
    each,
    select,
    some,
    retry,
    reject,
    @"error",
    after,
    past,
    http,
    throw,
    loop,
    log,
    count,
    state,
};

var config: Config = undefined;

pub fn setup(given: Config) !void {
    if (given.do == .refuse) return weir.fail("{s}", .{given.text});
    config = given;
}

pub fn deliver() !weir.Outcome {
    const size = weir.batch.size();
    switch (config.do) {
        .refuse => {},
        .documents => try weir.output.write(weir.batch.documents(0, size)),
        .each, .select => {
            var lines: std.ArrayList(u8) = .empty;
            for (0..size) |index| {
                try lines.appendSlice(weir.arena, line(@intCast(index)));
                try lines.append(weir.arena, '\n');
            }
            try weir.output.write(lines.items);
        },
        .some => for (0..size) |position| {
            const index: u32 = @intCast(position);
            weir.batch.select(index);
            const reason = weir.event.reason();
            if (std.mem.eql(u8, reason, "Bad")) weir.batch.reject(index, config.text);
            if (std.mem.eql(u8, reason, "Later")) weir.batch.retry(index, config.text);
        },
        .retry => return .{ .retry = config.text },
        .reject => return .{ .reject = config.text },
        .@"error" => return weir.fail("{s}", .{config.text}),
        .after => weir.batch.retryAfter(config.number),
        .past => weir.batch.select(size),
        .http => {
            const headers = [_]weir.http.Header{.{ .name = "content-type", .value = "application/x-ndjson" }};
            const body = weir.batch.documents(0, size);
            const response = weir.http.send(.{ .method = "POST", .url = config.url, .headers = &headers, .body = body }) catch
                return .{ .retry = weir.message() };
            if (response.status < 200 or response.status > 299) return .{ .retry = weir.format("HTTP {d}", .{response.status}) };
        },
        .throw => std.debug.panic("{s}", .{config.text}),
        .loop => while (true) {},
        .log => {
            std.log.debug("{s}", .{config.text});
            std.log.info("{s}", .{config.text});
            std.log.warn("{s}", .{config.text});
            std.log.err("{s}", .{config.text});
        },
        .count => weir.host.count(config.text, config.number),
        .state => {
            const value = weir.state.get("k") orelse "";
            weir.state.put("k", weir.format("{s}x", .{value}), 0);
            try weir.output.write(weir.format("{s} {d}\n", .{ value, weir.state.add("n", -2, 0) }));
        },
    }
    return .done;
}

fn line(index: u32) []const u8 {
    if (config.do == .each) return weir.batch.document(index);
    weir.batch.select(index);
    return weir.event.reason();
}
