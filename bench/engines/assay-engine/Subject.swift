import EngineTiming
import Forest
import ModelBundle
import Platform

/// What is timed: a bundle, a kernel, and the rows to score or to explain.
@safe final class Subject {
    /// What a call does.
    enum Work {
        /// Through the bundle, as the server does, with the kernel that it has chosen.
        case bundle
        case scorer(ForestScorer)
        case explainer(Explainer)

        static func score(_ bundle: Bundle, kernelName: String) -> Work {
            if kernelName == bundle.kernel.rawValue { return .bundle }
            guard let kernel = Kernel(rawValue: kernelName), Kernel.available.contains(kernel) else {
                fail("no kernel \(kernelName)")
            }
            return .scorer(ForestScorer(bundle.forest, kernel: kernel))
        }

        static func contributions(_ bundle: Bundle, kernelName: String) throws -> Work {
            guard let kernel = ExplainerKernel(rawValue: kernelName), kernel.isAvailable else { fail("no kernel \(kernelName)") }
            return .explainer(try Explainer(bundle.forest, kernel: kernel))
        }
    }

    /// As in harness/main.c.
    static let batchCountMax = 2000

    private let work: Work
    private let bundle: Bundle
    private let rowCount: Int
    private let featureCount: Int
    /// Results of a row as they are computed, and how many of them at the end are written: those of the last output.
    private let computedWidth: Int
    private let width: Int
    private var scratch: ExplainerScratch
    // Safety: allocated in `init` for `rowCount` rows of their widths, freed with the subject; a call gets rows below `rowCount`.
    private let rows: UnsafeMutablePointer<Float>
    private let raw: UnsafeMutablePointer<Double>
    private let computed: UnsafeMutablePointer<Double>

    /// - Parameter rowFile: float32 `[rowCount, featureCount]`, nothing else.
    init(_ work: Work, _ bundle: Bundle, rowFile: String, rowCount: Int) throws {
        let bytes = try File.read(rowFile)
        let featureCount = bundle.featureCount
        guard rowCount > 0, bytes.count == rowCount * featureCount * 4 else { fail("\(rowFile) has not \(rowCount) rows") }
        self.work = work
        self.bundle = bundle
        self.rowCount = rowCount
        self.featureCount = featureCount
        if case .explainer(let explainer) = work {
            (computedWidth, width) = (explainer.contributionCount, featureCount + 1)
            scratch = ExplainerScratch(byteCount: explainer.scratchByteCount)
        } else {
            (computedWidth, width) = (bundle.outputCount, 1)
            scratch = ExplainerScratch(byteCount: 0)
        }
        unsafe rows = .allocate(capacity: rowCount * featureCount)
        unsafe raw = .allocate(capacity: rowCount * bundle.rawCount)
        unsafe computed = .allocate(capacity: rowCount * computedWidth)
        unsafe raw.initialize(repeating: 0, count: rowCount * bundle.rawCount)
        unsafe bytes.withUnsafeBytes { bytes in
            // Safety: as many bytes as the rows have, checked above.
            unsafe UnsafeMutableRawPointer(rows).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        }
        forgetResults()
    }

    deinit {
        unsafe rows.deallocate()
        unsafe raw.deallocate()
        unsafe computed.deallocate()
    }

    /// What the timing calls; valid as long as the subject.
    var timed: assay_bench_subject {
        unsafe assay_bench_subject(context: Unmanaged.passUnretained(self).toOpaque()) { context, first, count in
            guard let context = unsafe context else { return false }
            // Safety: the context is the subject, kept by the caller of `assay_bench_measure`; no reference is counted in the timed call.
            unsafe Unmanaged<Subject>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.call(first, count) }
            return true
        }
    }

    @inline(__always)
    private func call(_ first: Int, _ count: Int) {
        let ownRows = unsafe UnsafePointer(rows + first * featureCount)
        let results = unsafe computed + first * computedWidth
        switch work {
        case .bundle: unsafe bundle.score(ownRows, rowCount: count, raw: raw, outputs: results)
        case .scorer(let scorer): unsafe scorer.score(ownRows, rowCount: count, raw: raw, outputs: results)
        case .explainer(let explainer):
            unsafe explainer.contributions(ownRows, rowCount: count, into: results, scratch: &scratch)
        }
    }

    /// A row that no call has reached is all NaN.
    func forgetResults() {
        unsafe computed.initialize(repeating: .nan, count: rowCount * computedWidth)
    }

    /// `[rowCount, width]`
    var results: [Double] {
        (0..<rowCount).flatMap { row in
            (computedWidth - width..<computedWidth).map { column in unsafe computed[row * computedWidth + column] }
        }
    }

    func write(_ values: [Double], to path: String) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 8)
        for value in values { unsafe withUnsafeBytes(of: value.bitPattern.littleEndian) { unsafe bytes.append(contentsOf: $0) } }
        try File.writeAtomically(bytes, to: path)
    }
}
