import Glibc
import Platform
import Synchronization

/// What this process says.
enum Output {
    /// Writes all of a text; an output that is gone (a closed pipe) is not worth an error.
    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// A line on a terminal that is written over again and again; there is none where standard error is something else.
struct TerminalLine: Sendable {
    init?() {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
    }

    func show(_ text: String) {
        Output.write("\r\u{1b}[K" + text, to: STDERR_FILENO)
    }

    func clear() {
        Output.write("\r\u{1b}[K", to: STDERR_FILENO)
    }
}

/// Ctrl-C ends the run with its summary; a second one ends the process.
enum Interruption {
    private static let wasInterrupted = Atomic<Bool>(false)

    static func onInterrupt(_ action: @escaping @Sendable () -> Void) {
        // Relaxed: the flag carries no data; the watching thread looks every 50 ms.
        let handler: @convention(c) (Int32) -> Void = { _ in
            Interruption.wasInterrupted.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
        }
        signal(SIGINT, handler)
        signal(SIGTERM, handler)
        signal(SIGPIPE, SIG_IGN)
        // Never joined: it ends with the process.
        _ = WorkerThread(name: "interrupt") {
            while !wasInterrupted.load(ordering: .relaxed) { usleep(50_000) }
            action()
        }
    }
}
