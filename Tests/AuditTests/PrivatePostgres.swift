import CPostgres
import Glibc
import Platform
import Synchronization

/// A PostgreSQL of the test's own: fresh data directory, Unix socket only, killed and removed at the end. Linux accounts: PostgreSQL
/// refuses to run as root, so root hands it to the account `postgres` (or `nobody`).
///
///     @Test(.enabled(if: PrivatePostgres.isInstalled)) func … { let postgres = try PrivatePostgres() … }
final class PrivatePostgres: @unchecked Sendable {
    enum Failure: Error { case notInstalled, command(String, Int32), doesNotStart, query(String) }

    private static let counter = Atomic<Int>(0)
    private let binaries: String
    let root: String
    private var postmaster: pid_t = 0

    /// The newest installation under /usr/lib/postgresql, or one on the PATH's usual places.
    static let binaryDirectory: String? = {
        let versions = ((try? File.list("/usr/lib/postgresql")) ?? []).compactMap { Int($0) }.sorted()
        let candidates =
            versions.reversed().map { "/usr/lib/postgresql/\($0)/bin" } + ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"]
        return candidates.first { File.exists("\($0)/initdb") && File.exists("\($0)/postgres") }
    }()

    /// Prints why tests are skipped when there is none.
    static let isInstalled: Bool = {
        if binaryDirectory != nil { return true }
        print("SKIPPED: tests with a private PostgreSQL: no initdb found under /usr/lib/postgresql")
        return false
    }()

    init() throws {
        guard let binaries = Self.binaryDirectory else { throw Failure.notInstalled }
        self.binaries = binaries
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        root = "/tmp/assay-pg-\(getpid())-\(number)"
        try? File.removeTree(root)
        try File.createDirectory(root)
        if getuid() == 0, let account = Self.account { chown(root, account.uid, account.gid) }
        try run([
            "\(binaries)/initdb", "-D", "\(root)/data", "-A", "trust", "-U", "assay", "-E", "UTF8", "--no-sync", "--no-locale",
        ])
        try start()
    }

    deinit {
        kill9()
        try? File.removeTree(root)
    }

    var url: String { "postgresql://assay@/postgres?host=\(root.replacingSlashes)" }

    /// Starts the postmaster and waits until it answers.
    func start() throws {
        // Durability is on: a crash must find what was committed. Killed servers leave POSIX shared memory behind, so files take its place.
        postmaster = try spawn([
            "\(binaries)/postgres", "-D", "\(root)/data", "-k", root, "-c", "listen_addresses=", "-c", "shared_buffers=16MB",
            "-c",
            "max_connections=20", "-c", "fsync=on", "-c", "dynamic_shared_memory_type=mmap",
        ])
        for _ in 0..<600 {
            if (try? query("SELECT 1")) != nil { return }
            usleep(50_000)
        }
        throw Failure.doesNotStart
    }

    /// A clean, fast stop.
    func stop() {
        kill(postmaster, SIGINT)
        reap()
    }

    /// Kills the postmaster and all its children at once, as a power cut would (but for the page cache).
    func kill9() {
        guard postmaster > 0 else { return }
        let family = [postmaster] + children(of: postmaster)
        for process in family { kill(process, SIGSTOP) }
        for process in Set(family + children(of: postmaster)) { kill(process, SIGKILL) }
        reap()
        unlink("\(root)/data/postmaster.pid")
    }

    /// Stops (true) or continues (false) the server's processes, so that connections hang.
    func freeze(_ isFrozen: Bool) {
        for process in [postmaster] + children(of: postmaster) { kill(process, isFrozen ? SIGSTOP : SIGCONT) }
    }

    /// Rows of a query, on a connection of its own.
    @discardableResult
    func query(_ sql: String) throws -> [[String?]] {
        let connection = PQconnectdb(url)
        defer { PQfinish(connection) }
        guard PQstatus(connection) == CONNECTION_OK else { throw Failure.query(String(cString: PQerrorMessage(connection))) }
        let result = PQexec(connection, sql)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
            throw Failure.query(String(cString: PQerrorMessage(connection)))
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    func count(_ sql: String) throws -> Int { Int(try query(sql).first?.first.flatMap { $0 } ?? "") ?? -1 }

    // MARK: Processes

    private func reap() {
        guard postmaster > 0 else { return }
        var status: Int32 = 0
        waitpid(postmaster, &status, 0)
        postmaster = 0
    }

    private func run(_ command: [String]) throws {
        let process = try spawn(command)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        guard status == 0 else { throw Failure.command(command[0], status) }
    }

    private func spawn(_ command: [String]) throws -> pid_t {
        var command = command
        if getuid() == 0, let account = Self.account {
            command = ["/usr/bin/setpriv", "--reuid=\(account.uid)", "--regid=\(account.gid)", "--clear-groups"] + command
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "\(root)/log", O_WRONLY | O_CREAT | O_APPEND, 0o666)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { (text: String) in strdup(text) }
        arguments.append(nil)
        var environment: [UnsafeMutablePointer<CChar>?] = ["PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"].map { (text: String) in
            strdup(text)
        }
        environment.append(nil)
        defer { for pointer in arguments + environment { free(pointer) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, command[0], &actions, nil, &arguments, &environment)
        guard code == 0 else { throw Failure.command(command[0], code) }
        return process
    }

    private func children(of parent: pid_t) -> [pid_t] {
        let text = (try? File.read("/proc/\(parent)/task/\(parent)/children", byteCountMax: 1 << 16)) ?? []
        return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }

    private static var account: (uid: uid_t, gid: gid_t)? {
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) { return (entry.pointee.pw_uid, entry.pointee.pw_gid) }
        }
        return nil
    }
}

extension String {
    fileprivate var replacingSlashes: String { utf8.map { $0 == UInt8(ascii: "/") ? "%2F" : String(UnicodeScalar($0)) }.joined() }
}
