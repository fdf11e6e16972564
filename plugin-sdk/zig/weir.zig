//! weir's SDK for plugins in Zig: filters and sinks of the contract `weir:plugin@0.1.0`, in this one file.
//!
//! A plugin's main file says what it is, and has the functions that weir calls:
//!
//!     const weir = @import("weir.zig");
//!     pub const panic = weir.panic;
//!     comptime {
//!         weir.filter(@This()); // or weir.sink
//!     }
//!     pub fn setup(config: Config) !void {} // optional
//!     pub fn process() !weir.Verdict {} // a filter
//!     pub fn deliver() !weir.Outcome {} // a sink
//!     pub fn probe() ![]const u8 {} // a sink, optional: what `weir check --connect` shows
//!
//! Memory: whatever this file returns lives in `arena`, until the next call of `process` or `deliver`. What has to live
//! longer is copied with `gpa`. The configuration that `setup` gets stays.

const std = @import("std");
const root = @import("root");

/// What a filter answers.
pub const Verdict = union(enum) {
    keep,
    /// Why, in a few words; the same words are one row in the drop metrics.
    drop: []const u8,
};

/// What a sink answers about its batch.
pub const Outcome = union(enum) {
    /// All that was not rejected or marked for retry has been accepted.
    done,
    /// Nothing was accepted; the whole batch comes again.
    retry: []const u8,
    /// Nothing will ever be accepted; the whole batch goes to the dead letters.
    reject: []const u8,
};

// === memory ===

var call_arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);
var setup_arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// What the arena keeps from call to call; more is given back, so that one large event does not hold memory for ever.
const arena_kept_bytes = 256 * 1024;

/// For what lives as long as the call: it is emptied before the next one. Nothing in it needs to be freed.
pub const arena: std.mem.Allocator = call_arena.allocator();

/// For what lives longer, such as a table that a plugin fills from event to event.
pub const gpa: std.mem.Allocator = std.heap.wasm_allocator;

/// A text made of values, as in `std.fmt`, in the arena.
pub fn format(comptime text: []const u8, values: anytype) []const u8 {
    return std.fmt.allocPrint(arena, text, values) catch outOfMemory();
}

/// The JSON of any value that std.json can write: texts, numbers, structs, slices.
pub fn json(value: anytype) []const u8 {
    return std.json.Stringify.valueAlloc(arena, value, .{}) catch outOfMemory();
}

/// A text as a JSON string, quotes included.
pub fn quote(text: []const u8) []const u8 {
    var out: std.Io.Writer.Allocating = std.Io.Writer.Allocating.initCapacity(arena, text.len + text.len / 16 + 2) catch outOfMemory();
    std.json.Stringify.encodeJsonString(text, .{}, &out.writer) catch outOfMemory();
    return out.written();
}

fn outOfMemory() noreturn {
    @panic("out of memory: see `limits.memory`");
}

// === errors ===

/// The text that goes with an error: Zig's own errors carry none.
var failure: []const u8 = "";

/// What this file's functions fail with. `message()` has the text.
pub const Error = error{Refused};

/// `return weir.fail("bad port {d}", .{port});` makes `setup`, `process` or `deliver` answer that text as an error.
pub fn fail(comptime text: []const u8, values: anytype) Error {
    return failWith(format(text, values));
}

/// The text of the last `error.Refused`, for a `catch`.
pub fn message() []const u8 {
    return failure;
}

fn failWith(text: []const u8) Error {
    failure = text;
    return error.Refused;
}

/// The answer for any error; without a text it is the error's name.
fn textOf(err: anyerror) []const u8 {
    return if (err == error.Refused) failure else @errorName(err);
}

/// Logs what is panicked with, then traps: the host throws the instance away and makes a new one.
/// The main file passes it on: `pub const panic = weir.panic;`
pub const panic = std.debug.FullPanic(panicked);

fn panicked(text: []const u8, _: ?usize) noreturn {
    @branchHint(.cold);
    host.log(.@"error", text);
    @trap();
}

/// Optional, in the main file: `pub const std_options = weir.std_options;` brings `std.log` to the host's log.
pub const std_options: std.Options = .{ .logFn = stdLog, .log_level = .debug };

fn stdLog(comptime level: std.log.Level, comptime scope: @EnumLiteral(), comptime text: []const u8, values: anytype) void {
    const prefix = if (scope == .default) "" else @tagName(scope) ++ ": ";
    host.log(switch (level) {
        .err => .@"error",
        .warn => .warn,
        .info => .info,
        .debug => .debug,
    }, format(prefix ++ text, values));
}

// === the contract's interfaces ===

/// The event at hand. A field that the event lacks is "" or 0. Nothing is copied until it is asked for.
pub const event = struct {
    /// Identity of this observation, the same after every restart: `<uid>/<resourceVersion>`.
    pub fn id() []const u8 {
        return textFrom(event_abi.id);
    }
    /// `Normal`, `Warning`, or what the reporter wrote.
    pub fn severity() []const u8 {
        return textFrom(event_abi.severity);
    }
    pub fn reason() []const u8 {
        return textFrom(event_abi.reason);
    }
    pub fn message() []const u8 {
        return textFrom(event_abi.message);
    }
    pub fn namespace() []const u8 {
        return textFrom(event_abi.namespace);
    }
    /// The kind of the object the event is about.
    pub fn objectKind() []const u8 {
        return textFrom(event_abi.@"object-kind");
    }
    pub fn objectName() []const u8 {
        return textFrom(event_abi.@"object-name");
    }
    /// The reporting component.
    pub fn component() []const u8 {
        return textFrom(event_abi.component);
    }
    /// Node or instance that reported it.
    pub fn node() []const u8 {
        return textFrom(event_abi.node);
    }
    /// How often it has been seen.
    pub fn count() u32 {
        return event_abi.count();
    }
    /// When it was last seen, in milliseconds since 1970.
    pub fn timestamp() u64 {
        return event_abi.timestamp();
    }
    /// The string at a JSON pointer such as `/metadata/labels/app`, without quotes; null where there is no string.
    pub fn text(pointer: []const u8) ?[]const u8 {
        var out: Tagged = undefined;
        event_abi.text(pointer.ptr, pointer.len, &out);
        return out.option();
    }
    /// The JSON at a pointer; "" is the whole event. Null where there is nothing.
    pub fn json(pointer: []const u8) ?[]const u8 {
        var out: Tagged = undefined;
        event_abi.json(pointer.ptr, pointer.len, &out);
        return out.option();
    }
};

/// Changing the event at hand: filters only. Changes count when `process` answers `keep`.
pub const change = struct {
    /// Puts JSON at a pointer, creating objects on the way; `-` appends to a list.
    pub fn set(pointer: []const u8, value: []const u8) Error!void {
        var out: Tagged = undefined;
        change_abi.set(pointer.ptr, pointer.len, value.ptr, value.len, &out);
        return out.result();
    }
    /// Puts any value at a pointer: a text, a number, a bool, a struct, a slice.
    pub fn put(pointer: []const u8, value: anytype) Error!void {
        return set(pointer, json(value));
    }
    /// Removes what is at a pointer, if anything.
    pub fn remove(pointer: []const u8) void {
        change_abi.remove(pointer.ptr, pointer.len);
    }
    /// Adds an event (JSON) behind the one at hand.
    pub fn emit(value: []const u8) Error!void {
        var out: Tagged = undefined;
        change_abi.emit(value.ptr, value.len, &out);
        return out.result();
    }
};

/// What every plugin may use.
pub const host = struct {
    pub const Level = enum(i32) { debug, info, warn, @"error" };

    pub fn log(level: Level, text: []const u8) void {
        host_abi.log(@intFromEnum(level), text.ptr, text.len);
    }
    /// Bytes for standard output; they are shown as log lines.
    pub fn print(comptime text: []const u8, values: anytype) void {
        const bytes = format(text, values);
        host_abi.print(1, bytes.ptr, bytes.len);
    }
    /// Milliseconds since 1970.
    pub fn now() u64 {
        return host_abi.now();
    }
    /// 64 random bits.
    pub fn random() u64 {
        return host_abi.random();
    }
    /// Adds to a counter of this plugin's own, shown with weir's metrics.
    pub fn count(name: []const u8, by: u32) void {
        host_abi.count(name.ptr, name.len, by);
    }
};

/// A small store that the host keeps: it outlives a fault and a reload, and all lanes share it. Only `add` is atomic.
pub const state = struct {
    pub fn get(key: []const u8) ?[]const u8 {
        var out: Tagged = undefined;
        state_abi.get(key.ptr, key.len, &out);
        return out.option();
    }
    /// `ttl_ms` 0: for as long as there is room.
    pub fn put(key: []const u8, value: []const u8, ttl_ms: u32) void {
        state_abi.put(key.ptr, key.len, value.ptr, value.len, ttl_ms);
    }
    /// Adds to a number and returns the sum. The first `add` starts the time.
    pub fn add(key: []const u8, by: i32, ttl_ms: u32) i64 {
        return state_abi.add(key.ptr, key.len, by, ttl_ms);
    }
};

/// HTTP through the host, towards origins that the configuration of weir grants. Waiting is no time of the plugin's.
pub const http = struct {
    pub const Header = struct { name: []const u8, value: []const u8 };
    pub const Request = struct {
        method: []const u8 = "GET",
        url: []const u8,
        headers: []const Header = &.{},
        body: []const u8 = "",
        /// 0: what the filter or receiver is configured with.
        timeout_ms: u32 = 0,
    };
    pub const Response = struct {
        status: u16,
        headers: []const Header,
        body: []const u8,

        /// The first header of this name, in any case.
        pub fn header(response: Response, name: []const u8) ?[]const u8 {
            for (response.headers) |each| {
                if (std.ascii.eqlIgnoreCase(each.name, name)) return each.value;
            }
            return null;
        }
    };

    /// Any status is a response. An error is: not granted, name lookup, connect, TLS, timeout, too large, stopping.
    pub fn send(request: Request) Error!Response {
        const sent = arena.alloc(Pair, request.headers.len) catch outOfMemory();
        for (sent, request.headers) |*pair, each| pair.* = .{ .name = .of(each.name), .value = .of(each.value) };

        const method, const url, const body = .{ request.method, request.url, request.body };
        var out: Sent = undefined;
        http_abi.send(method.ptr, method.len, url.ptr, url.len, sent.ptr, sent.len, body.ptr, body.len, request.timeout_ms, &out);
        if (out.tag != 0) return failWith(out.as.failed.slice());

        const answered = out.as.response;
        const got = answered.headers[0..answered.headers_len];
        const headers = arena.alloc(Header, got.len) catch outOfMemory();
        for (headers, got) |*each, pair| each.* = .{ .name = pair.name.slice(), .value = pair.value.slice() };
        return .{ .status = answered.status, .headers = headers, .body = answered.body.slice() };
    }
};

/// Secrets stay with the host: what the configuration holds are placeholders, which it replaces in headers and URLs.
pub const secret = struct {
    /// A placeholder for `Basic …` of a user and a password.
    pub fn basic(user: []const u8, password: []const u8) []const u8 {
        var out: Slice = undefined;
        secret_abi.basic(user.ptr, user.len, password.ptr, password.len, &out);
        return out.slice();
    }
    /// HMAC-SHA256 of data; the key may be a placeholder.
    pub fn hmacSha256(key: []const u8, data: []const u8) []const u8 {
        var out: Slice = undefined;
        secret_abi.@"hmac-sha256"(key.ptr, key.len, data.ptr, data.len, &out);
        return out.slice();
    }
};

/// Go's text/template with sprig's text functions: sinks only.
pub const template = struct {
    /// Whether a template can be read. For `setup`.
    pub fn check(text: []const u8) Error!void {
        var out: Tagged = undefined;
        template_abi.check(text.ptr, text.len, &out);
        return out.result();
    }
    /// What a template makes of the event at hand.
    pub fn render(text: []const u8) Error![]const u8 {
        var out: Tagged = undefined;
        template_abi.render(text.ptr, text.len, &out);
        try out.result();
        return out.value.slice();
    }
};

/// The one file that the configuration names at its key `path`: sinks only.
pub const file = struct {
    pub const Rotation = struct { size_mib: u32 = 0, every_minutes: u32 = 0, backups: u32 = 0, age_days: u32 = 0, compress: bool = false };

    /// Appends whole lines, all or an error, and returns when the disk has them.
    pub fn append(path: []const u8, lines: []const u8, rotation: Rotation) Error!void {
        const compress: i32 = @intFromBool(rotation.compress);
        var out: Tagged = undefined;
        file_abi.append(path.ptr, path.len, lines.ptr, lines.len, rotation.size_mib, rotation.every_minutes, rotation.backups, rotation.age_days, compress, &out);
        return out.result();
    }
};

/// The host's standard output: sinks only.
pub const output = struct {
    /// Whole lines at a time.
    pub fn write(bytes: []const u8) Error!void {
        var out: Tagged = undefined;
        output_abi.write(bytes.ptr, bytes.len, &out);
        return out.result();
    }
};

/// The events that a sink has to deliver in one call. Index 0 is selected at first; an index past the end traps.
pub const batch = struct {
    pub fn size() u32 {
        return batch_abi.size();
    }
    /// Makes the event at this index the one at hand.
    pub fn select(index: u32) void {
        batch_abi.select(index);
    }
    /// The document to send: the receiver's layout where it has one, else the event.
    pub fn document(index: u32) []const u8 {
        var out: Slice = undefined;
        batch_abi.document(index, &out);
        return out.slice();
    }
    /// Documents from `start` up to, not including, `end`, each followed by a newline.
    pub fn documents(start: u32, end: u32) []const u8 {
        var out: Slice = undefined;
        batch_abi.documents(start, end, &out);
        return out.slice();
    }
    /// This event will never be accepted.
    pub fn reject(index: u32, why: []const u8) void {
        batch_abi.reject(index, why.ptr, why.len);
    }
    /// This event was not accepted this time.
    pub fn retry(index: u32, why: []const u8) void {
        batch_abi.retry(index, why.ptr, why.len);
    }
    /// Do not call again before this many milliseconds have passed, whatever the outcome.
    pub fn retryAfter(milliseconds: u32) void {
        batch_abi.@"retry-after"(milliseconds);
    }
};

// === what the plugin exports ===

/// Exports a filter: the main file's `process`, and its `setup` if it has one.
pub fn filter(comptime Plugin: type) void {
    exportCommon(Plugin);
    const exported = struct {
        fn process() callconv(.c) *const Answer {
            begin();
            return .of(Plugin.process());
        }
    };
    @export(&exported.process, .{ .name = "process" });
}

/// Exports a sink: the main file's `deliver`, and its `setup` and `probe` if it has them.
pub fn sink(comptime Plugin: type) void {
    exportCommon(Plugin);
    const exported = struct {
        fn deliver() callconv(.c) *const Answer {
            begin();
            return .of(Plugin.deliver());
        }
        fn probe() callconv(.c) *const Tagged {
            begin();
            return answerText(Plugin.probe());
        }
    };
    @export(&exported.deliver, .{ .name = "deliver" });
    if (@hasDecl(Plugin, "probe")) @export(&exported.probe, .{ .name = "probe" });
}

fn exportCommon(comptime Plugin: type) void {
    if (!@hasDecl(root, "panic")) @compileError("add to the main file: pub const panic = weir.panic;");
    const exported = struct {
        fn setup(ptr: [*]const u8, len: usize) callconv(.c) *const Tagged {
            if (!@hasDecl(Plugin, "setup")) return answerText(@as(Error![]const u8, ""));
            return answerText(setUp(Plugin, ptr[0..len]));
        }
    };
    @export(&exported.setup, .{ .name = "setup" });
    @export(&allocate, .{ .name = "cabi_realloc" });
}

fn setUp(comptime Plugin: type, text: []const u8) anyerror![]const u8 {
    const parameters = @typeInfo(@TypeOf(Plugin.setup)).@"fn".param_types;
    if (parameters.len == 0) {
        try Plugin.setup();
    } else {
        try Plugin.setup(try configuration(parameters[0].?, text));
    }
    return "";
}

/// Every call begins with an empty arena. Strings that the host passes come by `allocate`, but `process` and `deliver` get none.
fn begin() void {
    _ = call_arena.reset(.{ .retain_with_limit = arena_kept_bytes });
}

/// `cabi_realloc`: where the host puts what it returns.
fn allocate(old: [*]u8, old_len: usize, alignment: usize, new_len: usize) callconv(.c) [*]u8 {
    if (new_len == 0) return @ptrFromInt(alignment);
    const bytes = arena.rawAlloc(new_len, .fromByteUnits(alignment), @returnAddress()) orelse outOfMemory();
    @memcpy(bytes[0..@min(old_len, new_len)], old[0..@min(old_len, new_len)]);
    return bytes;
}

// === configuration ===

/// A map of any keys, in a configuration: `teams: weir.Map([]const u8)`.
pub fn Map(comptime V: type) type {
    return struct {
        entries: std.array_hash_map.String(V) = .empty,

        pub const map_of = V;

        pub fn get(map: @This(), key: []const u8) ?V {
            return map.entries.get(key);
        }
    };
}

/// The configuration as a struct: fields by name, others ignored, those with a default may be missing. An error names the field.
/// `setup` gets what its parameter asks for; `[]const u8` is the JSON itself.
pub fn configuration(comptime T: type, text: []const u8) Error!T {
    const lasting = setup_arena.allocator();
    if (T == []const u8) return lasting.dupe(u8, text) catch outOfMemory();
    const value = std.json.parseFromSliceLeaky(std.json.Value, lasting, text, .{ .allocate = .alloc_always, .parse_numbers = false }) catch |err|
        return fail("the configuration is no JSON: {t}", .{err});
    return read(T, value, "");
}

fn read(comptime T: type, value: std.json.Value, path: []const u8) Error!T {
    const lasting = setup_arena.allocator();
    switch (@typeInfo(T)) {
        .bool => if (value == .bool) return value.bool,
        .int => if (value == .number_string) {
            if (std.fmt.parseInt(T, value.number_string, 10)) |number| return number else |_| {}
        },
        .float => if (value == .number_string) {
            if (std.fmt.parseFloat(T, value.number_string)) |number| return number else |_| {}
        },
        .optional => |optional| return if (value == .null) null else try read(optional.child, value, path),
        .@"enum" => if (value == .string) {
            if (std.meta.stringToEnum(T, value.string)) |case| return case;
        },
        .pointer => |pointer| {
            if (pointer.size != .slice) @compileError("no configuration can be read into " ++ @typeName(T));
            if (pointer.child == u8) {
                if (value == .string) return value.string;
            } else if (value == .array) {
                const list = lasting.alloc(pointer.child, value.array.items.len) catch outOfMemory();
                for (list, value.array.items, 0..) |*to, from, index| to.* = try read(pointer.child, from, format("{s}[{d}]", .{ path, index }));
                return list;
            }
        },
        .@"struct" => |fields| if (value == .object) {
            var result: T = undefined;
            if (@hasDecl(T, "map_of")) {
                result = .{};
                for (value.object.keys(), value.object.values()) |key, each| {
                    const read_value = try read(T.map_of, each, below(path, key));
                    result.entries.put(lasting, key, read_value) catch outOfMemory();
                }
                return result;
            }
            inline for (fields.field_names, fields.field_types, fields.field_attrs) |name, Field, attributes| {
                if (value.object.get(name)) |each| {
                    @field(result, name) = try read(Field, each, below(path, name));
                } else if (attributes.defaultValue(Field)) |default| {
                    @field(result, name) = default;
                } else {
                    return fail("{s}: missing; expected {s}", .{ below(path, name), comptime describe(Field) });
                }
            }
            return result;
        },
        else => @compileError("no configuration can be read into " ++ @typeName(T)),
    }
    return fail("{s}: expected {s}", .{ if (path.len == 0) "configuration" else path, comptime describe(T) });
}

fn below(path: []const u8, name: []const u8) []const u8 {
    return if (path.len == 0) name else format("{s}.{s}", .{ path, name });
}

/// What a setting of this type is, in the words of whoever writes the configuration.
fn describe(comptime T: type) []const u8 {
    return switch (@typeInfo(T)) {
        .bool => "true or false",
        .int => |int| if (int.signedness == .signed) "a whole number" else "a whole number of 0 or more",
        .float => "a number",
        .optional => |optional| describe(optional.child),
        .@"enum" => |cases| {
            var names: []const u8 = "one of";
            for (cases.field_names) |name| names = names ++ " " ++ name;
            return names;
        },
        .pointer => |pointer| if (pointer.child == u8) "a text" else "a list, each of it " ++ describe(pointer.child),
        .@"struct" => if (@hasDecl(T, "map_of")) "a map, each value " ++ describe(T.map_of) else "a map",
        else => "something else",
    };
}

// === the canonical ABI: layouts and imports ===

/// A string or list as the host writes it.
const Slice = extern struct {
    ptr: [*]const u8,
    len: usize,

    fn of(text: []const u8) Slice {
        return .{ .ptr = text.ptr, .len = text.len };
    }
    fn slice(self: Slice) []const u8 {
        return self.ptr[0..self.len];
    }
};

/// option<string>, result<_, string> and result<string, string>.
const Tagged = extern struct {
    tag: u8,
    value: Slice,

    fn option(self: Tagged) ?[]const u8 {
        return if (self.tag == 0) null else self.value.slice();
    }
    fn result(self: Tagged) Error!void {
        if (self.tag != 0) return failWith(self.value.slice());
    }
};

/// result<verdict, string> and result<outcome, string>. The host reads it when the call has returned, so it is no local.
const Answer = extern struct {
    tag: u8,
    as: extern union {
        case: extern struct { case: u8, text: Slice },
        failed: Slice,
    },

    var last: Answer = undefined;

    fn of(answered: anytype) *const Answer {
        if (answered) |case| {
            const text: []const u8 = switch (case) {
                inline else => |payload| if (@TypeOf(payload) == void) "" else payload,
            };
            last = .{ .tag = 0, .as = .{ .case = .{ .case = @intFromEnum(case), .text = .of(text) } } };
        } else |err| {
            last = .{ .tag = 1, .as = .{ .failed = .of(textOf(err)) } };
        }
        return &last;
    }
};

var last_text: Tagged = undefined;

fn answerText(answered: anyerror![]const u8) *const Tagged {
    last_text = if (answered) |text| .{ .tag = 0, .value = .of(text) } else |err| .{ .tag = 1, .value = .of(textOf(err)) };
    return &last_text;
}

/// A header: tuple<string, string>.
const Pair = extern struct { name: Slice, value: Slice };

/// result<response, string>.
const Sent = extern struct {
    tag: u8,
    as: extern union {
        response: extern struct { status: u16, headers: [*]const Pair, headers_len: usize, body: Slice },
        failed: Slice,
    },
};

fn textFrom(comptime getter: fn (*Slice) callconv(.c) void) []const u8 {
    var out: Slice = undefined;
    getter(&out);
    return out.slice();
}

const Ptr = [*]const u8;

const event_abi = struct {
    extern "weir:plugin/event@0.1.0" fn id(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn severity(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn reason(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn message(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn namespace(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn @"object-kind"(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn @"object-name"(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn component(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn node(*Slice) void;
    extern "weir:plugin/event@0.1.0" fn count() u32;
    extern "weir:plugin/event@0.1.0" fn timestamp() u64;
    extern "weir:plugin/event@0.1.0" fn text(Ptr, usize, *Tagged) void;
    extern "weir:plugin/event@0.1.0" fn json(Ptr, usize, *Tagged) void;
};

const change_abi = struct {
    extern "weir:plugin/change@0.1.0" fn set(Ptr, usize, Ptr, usize, *Tagged) void;
    extern "weir:plugin/change@0.1.0" fn remove(Ptr, usize) void;
    extern "weir:plugin/change@0.1.0" fn emit(Ptr, usize, *Tagged) void;
};

const host_abi = struct {
    extern "weir:plugin/host@0.1.0" fn log(i32, Ptr, usize) void;
    extern "weir:plugin/host@0.1.0" fn print(i32, Ptr, usize) void;
    extern "weir:plugin/host@0.1.0" fn now() u64;
    extern "weir:plugin/host@0.1.0" fn random() u64;
    extern "weir:plugin/host@0.1.0" fn count(Ptr, usize, u32) void;
};

const state_abi = struct {
    extern "weir:plugin/state@0.1.0" fn get(Ptr, usize, *Tagged) void;
    extern "weir:plugin/state@0.1.0" fn put(Ptr, usize, Ptr, usize, u32) void;
    extern "weir:plugin/state@0.1.0" fn add(Ptr, usize, i32, u32) i64;
};

const http_abi = struct {
    extern "weir:plugin/http@0.1.0" fn send(Ptr, usize, Ptr, usize, [*]const Pair, usize, Ptr, usize, u32, *Sent) void;
};

const secret_abi = struct {
    extern "weir:plugin/secret@0.1.0" fn basic(Ptr, usize, Ptr, usize, *Slice) void;
    extern "weir:plugin/secret@0.1.0" fn @"hmac-sha256"(Ptr, usize, Ptr, usize, *Slice) void;
};

const template_abi = struct {
    extern "weir:plugin/template@0.1.0" fn check(Ptr, usize, *Tagged) void;
    extern "weir:plugin/template@0.1.0" fn render(Ptr, usize, *Tagged) void;
};

const file_abi = struct {
    extern "weir:plugin/file@0.1.0" fn append(Ptr, usize, Ptr, usize, u32, u32, u32, u32, i32, *Tagged) void;
};

const output_abi = struct {
    extern "weir:plugin/output@0.1.0" fn write(Ptr, usize, *Tagged) void;
};

const batch_abi = struct {
    extern "weir:plugin/batch@0.1.0" fn size() u32;
    extern "weir:plugin/batch@0.1.0" fn select(u32) void;
    extern "weir:plugin/batch@0.1.0" fn document(u32, *Slice) void;
    extern "weir:plugin/batch@0.1.0" fn documents(u32, u32, *Slice) void;
    extern "weir:plugin/batch@0.1.0" fn reject(u32, Ptr, usize) void;
    extern "weir:plugin/batch@0.1.0" fn retry(u32, Ptr, usize) void;
    extern "weir:plugin/batch@0.1.0" fn @"retry-after"(u32) void;
};
