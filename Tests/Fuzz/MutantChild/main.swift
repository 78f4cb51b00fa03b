// Runs mutants of model files, one after another, and says what became of each. Its parent counts the crashes: a mutant that takes more
// than two seconds of the processor is killed by the system as one that crashes is.
//
//     mutant-child run KIND SEED FIRST END FILE…       a line a mutant: its number, the outcome, microseconds
//     mutant-child show KIND SEED NUMBER FILE…         the mutant itself, on standard output
//     mutant-child rehearse KIND SEED FIRST END …      as run, but number 3 crashes and number 5 takes for ever
import FuzzTargets
import Glibc
import Platform

/// The CPU time that one mutant may take, in seconds.
let secondsMax = 2
/// What the whole process may map, in bytes.
let addressSpaceByteCountMax = 4 << 30

func fail(_ message: String) -> Never {
    let bytes = Array((message + "\n").utf8)
    _ = write(2, bytes, bytes.count)
    exit(2)
}

func limitTime() {
    var timer = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: secondsMax, tv_usec: 0))
    setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
}

func microseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
}

/// To the file at once: what comes after may end the process.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    guard write(1, bytes, bytes.count) == bytes.count else { exit(3) }
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 5, let kind = MutantTrial.Kind(rawValue: arguments[1]), let seed = UInt64(arguments[2]),
    let first = Int(arguments[3])
else { fail("usage: mutant-child run|rehearse KIND SEED FIRST END FILE… | show KIND SEED NUMBER FILE…") }

func trials(_ files: some Sequence<String>) -> [MutantTrial] {
    do { return try files.map { try MutantTrial(File.read($0), kind: kind) } } catch { fail("the file itself: \(error)") }
}

switch arguments[0] {
case "run":
    guard let end = Int(arguments[4]), arguments.count > 5 else { fail("no END, or no FILE") }
    var limit = rlimit(rlim_cur: rlim_t(addressSpaceByteCountMax), rlim_max: rlim_t(addressSpaceByteCountMax))
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    let trials = trials(arguments[5...])
    for number in first..<end {
        let trial = trials[number % trials.count]
        let mutant = trial.mutant(number, seed: seed)
        limitTime()
        let start = microseconds()
        let outcome = trial.outcome(of: mutant)
        say("\(number) \(outcome.rawValue) \(microseconds() - start)")
    }
case "rehearse":
    guard let end = Int(arguments[4]) else { fail("no END") }
    for number in first..<end {
        limitTime()
        if number == 3 { raise(SIGILL) }
        while number == 5 {}
        say("\(number) refused 0")
    }
case "show":
    let trials = trials(arguments[4...])
    let mutant = trials[first % trials.count].mutant(first, seed: seed)
    guard write(1, mutant, mutant.count) == mutant.count else { exit(3) }
default: fail("neither run, rehearse nor show")
}
