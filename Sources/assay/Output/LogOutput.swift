import Glibc
import Logging
import Platform

/// Writes log messages to stderr, each line with one system call: `time level logger: message key=value …`, or one JSON object.
struct LogOutput: LogHandler {
    enum Format: String, Sendable {
        case text, json
    }

    let label: String
    let format: Format
    let write: @Sendable (String) -> Void
    /// Unix nanoseconds.
    let now: @Sendable () -> Int64
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(
        label: String, format: Format, level: Logger.Level, now: @escaping @Sendable () -> Int64 = { Clock.wallNanoseconds() },
        write: @escaping @Sendable (String) -> Void = LogOutput.writeToStandardError
    ) {
        self.label = label
        self.format = format
        self.logLevel = level
        self.now = now
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let own = event.metadata { fields.merge(own) { _, new in new } }
        if let error = event.error { fields["error"] = "\(error)" }
        let sorted = fields.sorted { $0.key < $1.key }
        let time = UTCTimestamp.text(unixNanoseconds: now())
        write(format == .json ? jsonLine(event, time, sorted) : textLine(event, time, sorted))
    }

    private func textLine(_ event: LogEvent, _ time: String, _ fields: [(key: String, value: Logger.MetadataValue)]) -> String {
        let level = event.level.rawValue.uppercased()
        var line = "\(time) \(level)\(String(repeating: " ", count: max(0, 8 - level.count))) \(label): "
        line += Self.printable(event.message.description)
        for (key, value) in fields { line += " \(key)=\(Self.quotedIfNeeded("\(value)"))" }
        return line + "\n"
    }

    private func jsonLine(_ event: LogEvent, _ time: String, _ fields: [(key: String, value: Logger.MetadataValue)]) -> String {
        let reserved: Set = ["time", "level", "logger", "message"]
        var members: [(String, JSON)] = [
            ("time", .string(time)), ("level", .string(event.level.rawValue)), ("logger", .string(label)),
            ("message", .string(event.message.description)),
        ]
        for (key, value) in fields { members.append((reserved.contains(key) ? "field_\(key)" : key, Self.json(value))) }
        return JSON.object(members).serialized() + "\n"
    }

    private static func json(_ value: Logger.MetadataValue) -> JSON {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value as Bool): .bool(value)
        case .stringConvertible(let value as any BinaryInteger): Int64(exactly: value).map { JSON($0) } ?? .string("\(value)")
        case .stringConvertible(let value as Double): JSON(value)
        case .stringConvertible(let value): .string("\(value)")
        case .array(let values): .array(values.map(json))
        case .dictionary(let values): .object(values.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })
        }
    }

    /// A message stays on its line, and can't move a terminal's cursor.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else { return text }
        return text.unicodeScalars.reduce(into: "") { output, scalar in
            if scalar.value < 0x20 || scalar.value == 0x7f {
                output += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                output.unicodeScalars.append(scalar)
            }
        }
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        let needsQuotes = text.isEmpty || text.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return needsQuotes ? "\"\(printable(text).replacing("\"", with: "\\\""))\"" : printable(text)
    }

    @Sendable static func writeToStandardError(_ line: String) {
        let bytes = Array(line.utf8)
        // Safety: write reads exactly `count` bytes of an array that outlives the call. What a full pipe does not take is lost: a log
        // must never hold up the server.
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
