import Glibc
import Platform
import Synchronization

/// How far a long reading has come, on a terminal; nothing where standard error is something else.
final class ProgressBar: Sendable {
    private static let intervalNanoseconds: UInt64 = 100_000_000
    private static let width = 40

    private let what: String
    private let begin = Clock.monotonicNanoseconds()
    private let shown = Mutex<UInt64>(0)

    /// nil: nobody looks.
    init?(_ what: String) {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        self.what = what
    }

    /// Any thread may tell.
    func show(_ done: Int, of total: Int) {
        let now = Clock.monotonicNanoseconds()
        let isDue = shown.withLock { last in
            guard now - last >= Self.intervalNanoseconds else { return false }
            last = now
            return true
        }
        guard isDue, total > 0 else { return }
        let share = min(1, Double(done) / Double(total))
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let seconds = Double(now - begin) / 1e9
        let left = share > 0.01 ? "  \(Int((seconds / share - seconds).rounded(.up))) s left" : ""
        write("\r\u{1b}[K\(what) \(bar) \(Int(share * 100)) %  \(done >> 20) of \(total >> 20) MiB\(left)")
    }

    /// What readers call.
    var progress: @Sendable (Int, Int) -> Void {
        { done, total in self.show(done, of: total) }
    }

    func clear() { write("\r\u{1b}[K") }

    private func write(_ text: String) { LogOutput.writeToStandardError(text) }
}
