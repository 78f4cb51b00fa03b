// Assay's own part of bench/engines: measures an admitted bundle as harness/main.c measures the peers, with the same clock and loop.
//   assay-engine kernels score|contributions
//   assay-engine KERNEL BUNDLE ROWS ROW_COUNT FEATURE_COUNT score|contributions BATCH SECONDS CALLS CALLS_MIN PROCESSOR OUTPUTS

import EngineTiming
import Forest
import Glibc
import ModelBundle

/// Ends with a message on standard error.
func fail(_ message: String) -> Never {
    var text = "\(message)\n"
    text.withUTF8 { text in _ = unsafe write(STDERR_FILENO, text.baseAddress, text.count) }
    exit(1)
}

/// One measurement as JSON, in nanoseconds.
func measured(_ name: String, _ subject: Subject, _ plan: assay_bench_plan) -> String {
    subject.forgetResults()
    let timing = unsafe assay_bench_measure(subject.timed, plan)
    guard timing.calls > 0 else { fail("a \(name) call failed") }
    return """
        "\(name)": {"rows": \(plan.rows_per_call), "calls": \(timing.calls), "p50": \(timing.median), "p99": \(timing.p99), \
        "mean": \(timing.mean), "overhead": \(timing.overhead)}
        """
}

let arguments = CommandLine.arguments
if arguments.count == 3, arguments[1] == "kernels" {
    let isScore = arguments[2] == "score"
    let names = isScore ? Kernel.available.map(\.rawValue) : ExplainerKernel.allCases.filter(\.isAvailable).map(\.rawValue)
    for name in names.reversed() { print(name) }
    exit(0)
}
guard arguments.count == 13 else { fail("usage: see the head of main.swift") }
guard let rowCount = Int(arguments[4]), let featureCount = Int(arguments[5]), let batch = Int(arguments[7]),
    let seconds = Double(arguments[8]), let calls = Int(arguments[9]), let callsMin = Int(arguments[10]),
    let processor = Int32(arguments[11])
else { fail("a number is no number") }
guard assay_bench_pin(processor) else { fail("no processor \(processor)") }

let bundle = try Bundle.admit(file: arguments[2])
guard bundle.featureCount == featureCount else { fail("the bundle has \(bundle.featureCount) features, not \(featureCount)") }
let work: Subject.Work =
    arguments[6] == "score" ? .score(bundle, kernelName: arguments[1]) : try .contributions(bundle, kernelName: arguments[1])
let subject = try Subject(work, bundle, rowFile: arguments[3], rowCount: rowCount)
let single = assay_bench_plan(
    row_count: rowCount, rows_per_call: 1, calls_wanted: calls, calls_min: callsMin, seconds_max: seconds)
let batches = assay_bench_plan(
    row_count: rowCount, rows_per_call: batch, calls_wanted: Subject.batchCountMax, calls_min: 1, seconds_max: seconds)
let singleFigures = measured("single", subject, single)
let singleResults = subject.results
let batchFigures = measured("batch", subject, batches)
try subject.write(singleResults + subject.results, to: arguments[12])
print("{\(singleFigures), \(batchFigures)}")
