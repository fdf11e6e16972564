//! A filter: drops events whose reason is in a list.

const std = @import("std");
const weir = @import("weir.zig");

pub const panic = weir.panic; // a panic's text goes to weir's log

comptime {
    weir.filter(@This()); // exports `setup` and `process` to weir
}

/// The configuration. A field without a default must be there; an error names the field.
const Config = struct { reasons: []const []const u8 };

var reasons: []const []const u8 = &.{};

/// Called before the first event. An error refuses the configuration.
pub fn setup(config: Config) !void {
    if (config.reasons.len == 0) return weir.fail("reasons: expected at least one", .{});
    reasons = config.reasons; // stays valid, unlike what is read from an event
}

/// Called for each event. An error is handled as the filter's `onError` says.
pub fn process() !weir.Verdict {
    const reason = weir.event.reason(); // copied from weir now, and only this; valid until `process` returns
    for (reasons) |listed| {
        if (std.mem.eql(u8, listed, reason)) return .{ .drop = weir.format("reason {s}", .{reason}) };
    }
    return .keep;
}
