//! A sink: posts each batch of events to an HTTP server, a line of JSON an event.

const std = @import("std");
const weir = @import("weir.zig");

pub const panic = weir.panic; // a panic's text goes to weir's log

comptime {
    weir.sink(@This()); // exports `setup` and `deliver` to weir
}

const Config = struct { url: []const u8 };

var url: []const u8 = "";

/// Called before the first batch. An error refuses the configuration.
pub fn setup(config: Config) !void {
    const is_http = std.mem.startsWith(u8, config.url, "http://") or std.mem.startsWith(u8, config.url, "https://");
    if (!is_http) return weir.fail("url: expected http:// or https://", .{});
    url = config.url;
}

/// Called for each batch. An error, like `retry`, means that the whole batch comes again.
pub fn deliver() !weir.Outcome {
    const response = weir.http.send(.{
        .method = "POST",
        .url = url,
        .headers = &.{.{ .name = "content-type", .value = "application/x-ndjson" }},
        .body = weir.batch.documents(0, weir.batch.size()),
    }) catch return .{ .retry = weir.message() };

    const status = weir.format("HTTP {d}", .{response.status});
    switch (response.status) {
        200...299 => return .done,
        429, 500...599 => {
            if (response.header("retry-after")) |text| {
                if (std.fmt.parseInt(u32, text, 10)) |seconds| weir.batch.retryAfter(seconds *| 1000) else |_| {}
            }
            return .{ .retry = status };
        },
        else => return .{ .reject = status }, // to the dead letters, with this reason
    }
}
