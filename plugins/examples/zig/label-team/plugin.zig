//! A transform: gives events the label of the team that owns their namespace, and lets each message through once a minute.

const weir = @import("weir.zig");

pub const panic = weir.panic; // a panic's text goes to weir's log

comptime {
    weir.filter(@This()); // a transform is a filter that changes events
}

const Config = struct { teams: weir.Map([]const u8) };

var teams: weir.Map([]const u8) = .{};

/// Called before the first event. An error refuses the configuration, and names the field.
pub fn setup(config: Config) !void {
    teams = config.teams;
}

/// Called for each event. Changes count when the answer is `keep`.
pub fn process() !weir.Verdict {
    const namespace = weir.event.namespace();

    // weir keeps this number for a minute, for all instances of this plugin.
    const key = weir.format("{s}/{s}", .{ namespace, weir.event.message() });
    if (weir.state.add(key, 1, 60_000) > 1) {
        weir.host.count("throttled", 1); // shown with weir's metrics
        return .{ .drop = "seen within a minute" };
    }

    const team = teams.get(namespace) orelse return .keep;
    try weir.change.put("/metadata/labels/team", team); // written as JSON; weir.change.set takes JSON as it is
    weir.change.remove("/metadata/annotations");
    weir.host.count("labelled", 1);
    return .keep;
}
