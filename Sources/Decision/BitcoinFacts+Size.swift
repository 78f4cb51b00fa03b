import Wire

/// Size, weight and virtual size (BIP 141):
///
///     base   = 4 version + inputs + outputs + 4 lock time, without witnesses
///     size   = base + witness          witness = 2 marker and flag + stacks, 0 when no input has any
///     weight = 3 x base + size
///     vsize  = weight / 4, rounded up
///
/// What the message states must agree with what its scripts say; what it leaves out is derived where the rest tells it.
extension BitcoinFacts {
    mutating func settleSizes(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        size = transaction.size.map { UInt64($0) }
        weight = transaction.weight.map { UInt64($0) }
        vsize = transaction.vsize.map { UInt64($0) }
        let base = derivedBaseByteCount(transaction)
        if let base, inputs.allWitnessesKnown {
            let witness = inputs.hasWitness ? 2 + inputs.witnessByteCount : 0
            size = try Self.agreed(.size, stated: size, derived: base + witness)
            weight = try Self.agreed(.weight, stated: weight, derived: 4 * base + witness)
        } else if let base {
            try settle(withBase: base)
        } else {
            try settleStated()
        }
        if let weight { vsize = try Self.agreed(.vsize, stated: vsize, derived: (weight + 3) / 4) }
        try Self.check(.size, size, lowest: DecisionLimits.baseByteCountMin, highest: DecisionLimits.weightMax)
        try Self.check(.weight, weight, lowest: 4 * DecisionLimits.baseByteCountMin, highest: DecisionLimits.weightMax)
        try Self.check(.vsize, vsize, lowest: DecisionLimits.baseByteCountMin, highest: DecisionLimits.baseByteCountMax)
    }

    /// Bytes of marker, flag and witnesses; nil unless size and weight are known.
    var witnessByteCount: UInt64? {
        guard let size, let weight else { return nil }
        return (4 * size - weight) / 3
    }

    private func derivedBaseByteCount(_ transaction: BitcoinTransactionView) -> UInt64? {
        guard transaction.inputCount > 0, transaction.outputCount > 0, inputs.allScriptSigsKnown, outputs.allScriptsKnown else {
            return nil
        }
        return 8 + compactSizeByteCount(UInt64(transaction.inputCount)) + inputs.baseByteCount
            + compactSizeByteCount(UInt64(transaction.outputCount)) + outputs.baseByteCount
    }

    /// The witnesses are not known: size and weight tell each other.
    private mutating func settle(withBase base: UInt64) throws(TransactionError) {
        if let size {
            guard size >= base else { throw .contradiction(.size, stated: size, derived: base) }
            weight = try Self.agreed(.weight, stated: weight, derived: 3 * base + size)
        } else if let weight {
            guard weight >= 4 * base else { throw .contradiction(.weight, stated: weight, derived: 4 * base) }
            size = weight - 3 * base
        }
    }

    /// No scripts: weight = 3 x base + size must have a base of at least the smallest and at most the size.
    private func settleStated() throws(TransactionError) {
        guard let size, let weight else { return }
        guard weight >= size + 3 * DecisionLimits.baseByteCountMin, weight <= 4 * size, (weight - size) % 3 == 0 else {
            throw .weightContradictsSize(weight: weight, size: size)
        }
    }

    private static func agreed(
        _ measure: TransactionError.Measure, stated: UInt64?, derived: UInt64
    ) throws(TransactionError) -> UInt64 {
        if let stated, stated != derived { throw .contradiction(measure, stated: stated, derived: derived) }
        return derived
    }

    private static func check(
        _ measure: TransactionError.Measure, _ value: UInt64?, lowest: UInt64, highest: UInt64
    ) throws(TransactionError) {
        guard let value, value < lowest || value > highest else { return }
        throw .outOfRange(measure, stated: Int64(clamping: value), lowest: Int64(lowest), highest: Int64(highest))
    }
}
