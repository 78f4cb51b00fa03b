import Glibc
import Platform

/// What Linux knows of this process, under the names that every Prometheus client uses.
public struct ProcessFigures: Sendable, Equatable {
    public var residentByteCount: UInt64
    public var virtualByteCount: UInt64
    public var cpuSeconds: Double
    public var startUnixSeconds: Double
    public var openDescriptorCount: UInt64
    public var descriptorCountMax: UInt64
    public var threadCount: UInt64

    /// Reads /proc/self; nil when /proc is not mounted or does not look as it should.
    public static func current() -> ProcessFigures? {
        guard let stat = text("/proc/self/stat"), let system = text("/proc/stat"),
            let descriptors = try? File.list("/proc/self/fd").count
        else { return nil }
        var limit = rlimit()
        let hasLimit = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return ProcessFigures(
            stat: stat, system: system, pageByteCount: UInt64(sysconf(Int32(_SC_PAGESIZE))),
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))), openDescriptorCount: UInt64(descriptors),
            descriptorCountMax: hasLimit ? UInt64(limit.rlim_cur) : 0)
    }

    /// Parses the texts of /proc/self/stat (proc(5)) and /proc/stat; nil when a field is missing.
    init?(
        stat: String, system: String, pageByteCount: UInt64, ticksPerSecond: Double, openDescriptorCount: UInt64,
        descriptorCountMax: UInt64
    ) {
        // The second field is the command in parentheses and may itself contain spaces and parentheses: count from the last one.
        guard let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        func field(_ number: Int) -> UInt64? { fields.count > number - 3 ? UInt64(fields[number - 3].filter(\.isNumber)) : nil }
        guard let user = field(14), let kernel = field(15), let threads = field(20), let started = field(22),
            let virtualBytes = field(23), let residentPages = field(24),
            let boot = system.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }).flatMap({ Double($0.dropFirst(6)) })
        else { return nil }
        self.residentByteCount = residentPages * pageByteCount
        self.virtualByteCount = virtualBytes
        self.cpuSeconds = Double(user + kernel) / ticksPerSecond
        self.startUnixSeconds = boot + Double(started) / ticksPerSecond
        self.openDescriptorCount = openDescriptorCount
        self.descriptorCountMax = descriptorCountMax
        self.threadCount = threads
    }

    func add(to text: inout PrometheusText) {
        text.gauge("process_resident_memory_bytes", help: "Resident memory size in bytes.", residentByteCount)
        text.gauge("process_virtual_memory_bytes", help: "Virtual memory size in bytes.", virtualByteCount)
        text.counter("process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.", cpuSeconds)
        text.gauge("process_start_time_seconds", help: "Start time of the process since unix epoch in seconds.", startUnixSeconds)
        text.gauge("process_open_fds", help: "Number of open file descriptors.", openDescriptorCount)
        text.gauge("process_max_fds", help: "Maximum number of open file descriptors.", descriptorCountMax)
        text.gauge("process_threads", help: "Number of OS threads.", threadCount)
    }

    private static func text(_ path: String) -> String? {
        guard let bytes = try? File.read(path, byteCountMax: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
