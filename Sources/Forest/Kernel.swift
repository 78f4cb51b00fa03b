import CForestKernels

/// A way to score a forest. All give the same bits; they differ in speed and in what processor they need.
public enum Kernel: String, Sendable, CaseIterable {
    /// In Swift, one tree after another, without anything derived from the forest: what the others are compared with.
    case plain
    /// In C for every processor: eight trees at once, ranks by vectors of four.
    case portable
    /// x86-64 with AVX2 and BMI2.
    case avx2
    /// x86-64 with AVX-512 F, BW, DQ, VL and VBMI: Intel from Ice Lake, AMD from Zen 4.
    case avx512
    /// ARM64.
    case neon

    /// The kernels that this processor runs, the fastest last.
    public static let available: [Kernel] = allCases.filter { kernel in
        kernel.number.map { assay_kernel_is_available($0) != 0 } ?? true
    }

    /// The fastest kernel of this processor.
    public static let best: Kernel = available.last ?? .plain

    /// The kernel's number in C; nil for plain.
    var number: Int32? {
        switch self {
        case .plain: nil
        case .portable: Int32(ASSAY_KERNEL_PORTABLE.rawValue)
        case .avx2: Int32(ASSAY_KERNEL_AVX2.rawValue)
        case .avx512: Int32(ASSAY_KERNEL_AVX512.rawValue)
        case .neon: Int32(ASSAY_KERNEL_NEON.rawValue)
        }
    }

    /// The forms of trees that it goes through fast, for rows of so many slots.
    func forms(slotCount: Int) -> TreeForms {
        switch self {
        case .avx512: TreeForms(hasWords: true, hasPairs: false, decisionCost: 0)
        // A word's decisions take a permutation and a choice for every 16 slots; a register holds 32 of them.
        case .avx2:
            TreeForms(hasWords: slotCount <= 128, hasPairs: true, decisionCost: slotCount <= 32 ? 10 : slotCount <= 64 ? 20 : 40)
        case .plain, .portable, .neon: TreeForms(hasWords: false, hasPairs: true, decisionCost: 0)
        }
    }
}
