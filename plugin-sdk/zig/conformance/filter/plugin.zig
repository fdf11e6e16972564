//! The conformance filter (tests/conformance/README.md) with the Zig SDK: what it can, each thing once.

const std = @import("std");
const weir = @import("weir.zig");

pub const panic = weir.panic;

comptime {
    weir.filter(@This());
}

const Config = struct {
    do: Do,
    text: []const u8 = "",
    pointer: []const u8 = "",
    value: []const u8 = "",
    number: i32 = 0,
    list: []const []const u8 = &.{},
    flag: bool = false,
    url: []const u8 = "",
    when: ?[]const u8 = null,
};

const Do = enum {
    refuse,
    keep,
    drop,
    @"error",
    getters,
    text,
    json,
    copy,
    set,
    remove,
    emit,
    config,
    log,
    print,
    count,
    now,
    random,
    state,
    ttl,
    http,
    basic,
    hmac,
    throw,
    loop,
};

var config: Config = undefined;

pub fn setup(given: Config) !void {
    if (given.do == .refuse) return weir.fail("{s}", .{given.text});
    config = given;
}

pub fn process() !weir.Verdict {
    if (config.when) |when| {
        if (!std.mem.eql(u8, when, weir.event.reason())) return .keep;
    }
    switch (config.do) {
        .refuse, .keep => {},
        .drop => return .{ .drop = config.text },
        .@"error" => return weir.fail("{s}", .{config.text}),
        .getters => try getters(),
        .text => if (weir.event.text(config.pointer)) |text| try weir.change.put("/out", text) else try weir.change.put("/out", false),
        .json => try weir.change.set("/out", weir.event.json(config.pointer) orelse "false"),
        .copy => try weir.change.put("/out", weir.event.message()),
        .set => try weir.change.set(config.pointer, config.value),
        .remove => weir.change.remove(config.pointer),
        .emit => try weir.change.emit(config.value),
        .config => {
            try weir.change.put("/out/text", config.text);
            try weir.change.put("/out/number", config.number);
            try weir.change.put("/out/list", config.list);
            try weir.change.put("/out/flag", config.flag);
        },
        .log => inline for (.{ .debug, .info, .warn, .@"error" }) |level| weir.host.log(level, config.text),
        .print => weir.host.print("{s}\n", .{config.text}),
        .count => weir.host.count(config.text, @intCast(config.number)),
        .now => try weir.change.put("/out", isToday(weir.host.now())),
        .random => try weir.change.put("/out", weir.host.random() != weir.host.random()),
        .state => {
            const value = weir.state.get("k") orelse "";
            weir.state.put("k", weir.format("{s}x", .{value}), 0);
            try weir.change.put("/out/sum", weir.state.add("n", -2, 0));
            try weir.change.put("/out/value", value);
        },
        .ttl => {
            weir.state.put("t", "x", 1);
            const end = weir.host.now() + 20;
            while (weir.host.now() < end) {}
            try weir.change.put("/out", weir.state.get("t") == null);
        },
        .http => {
            const headers = [_]weir.http.Header{.{ .name = "x-test", .value = config.text }};
            const response = try weir.http.send(.{ .method = "POST", .url = config.url, .headers = &headers, .body = config.value });
            try weir.change.put("/out/status", response.status);
            try weir.change.put("/out/body", response.body);
            try weir.change.put("/out/header", response.header("x-answer") orelse "");
        },
        .basic => try weir.change.put("/out", weir.secret.basic("user", "password").len > 0),
        .hmac => try weir.change.put("/out", weir.format("{x}", .{weir.secret.hmacSha256(config.text, config.value)})),
        .throw => @panic(config.text),
        .loop => while (true) {},
    }
    return .keep;
}

fn getters() !void {
    const event = weir.event;
    inline for (.{
        .{ "id", event.id },
        .{ "severity", event.severity },
        .{ "reason", event.reason },
        .{ "message", event.message },
        .{ "namespace", event.namespace },
        .{ "kind", event.objectKind },
        .{ "name", event.objectName },
        .{ "component", event.component },
        .{ "node", event.node },
        .{ "count", event.count },
        .{ "timestamp", event.timestamp },
    }) |each| {
        const name, const getter = each;
        try weir.change.put("/out/" ++ name, getter());
    }
}

fn isToday(milliseconds: u64) bool {
    return milliseconds > 1_577_836_800_000 and milliseconds < 4_102_444_800_000; // 2020 and 2100
}
