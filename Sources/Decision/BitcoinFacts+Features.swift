import ModelBundle
import Wire

/// The formula of each feature, in Float64; nil: missing. docs/FEATURES.md tells them in words.
extension BitcoinFacts {
    /// `feature` is one of kind `.bitcoin`.
    func value(_ feature: DerivedFeature, _ transaction: BitcoinTransactionView) -> Double? {
        switch feature {
        case .bitcoinSize: size.map { Double($0) }
        case .bitcoinWeight: weight.map { Double($0) }
        case .bitcoinVsize: vsize.map { Double($0) }
        case .bitcoinFee: fee.map { Double($0) }
        case .bitcoinFeeRate: ratio(fee, vsize)
        case .bitcoinInputCount: inputCount.map { Double($0) }
        case .bitcoinOutputCount: outputCount.map { Double($0) }
        case .bitcoinInputValue: inputValue.map { Double($0) }
        case .bitcoinOutputValue: outputValue.map { Double($0) }
        case .bitcoinFeeShare: ratio(fee, inputValue)
        case .bitcoinValuePerInput: ratio(inputValue, inputCount)
        case .bitcoinValuePerOutput: ratio(outputValue, outputCount)
        case .bitcoinWitnessShare: ratio(witnessByteCount, size)
        case .bitcoinWitnessBytes: witnessByteCount.map { Double($0) }
        case .bitcoinRbf: signalsReplaceability.map(indicator)
        case .bitcoinCoinbase: isCoinbase.map(indicator)
        case .bitcoinLocktimeSet: transaction.locktime.map { indicator($0 != 0) }
        case .bitcoinLocktime: transaction.locktime.map { Double($0) }
        case .bitcoinTxVersion: transaction.version.map { Double($0) }
        case .bitcoinSigops: transaction.sigops.map { Double($0) }
        case .bitcoinFirstSeenHour: firstSeen.map { Double($0.hour) }
        case .bitcoinFirstSeenWeekday: firstSeen.map { Double($0.weekday) }
        default: endValue(feature)
        }
    }

    /// Features of the inputs and outputs themselves: missing when none is given.
    private func endValue(_ feature: DerivedFeature) -> Double? {
        let number = feature.rawValue
        switch number {
        case 101...110: return isCoinbase == nil ? nil : count(inputs.types, number - 100)
        case 121...130: return share(inputs.types, number - 120, of: inputs.spentCount)
        case 141...150: return outputsGiven ? count(outputs.types, number - 140) : nil
        case 161...170: return outputsGiven ? share(outputs.types, number - 160, of: outputCount ?? 0) : nil
        default: break
        }
        if isInputFeature(feature) { return isCoinbase == nil ? nil : inputValue(feature) }
        return outputsGiven ? outputValue(feature) : nil
    }

    private func isInputFeature(_ feature: DerivedFeature) -> Bool {
        switch feature {
        case .bitcoinCoinAge, .bitcoinCoinAgeMin, .bitcoinCoinAgeMax, .bitcoinCoinDaysDestroyed, .bitcoinLargestInputShare,
            .bitcoinInputScriptTypes:
            true
        default: false
        }
    }

    private func inputValue(_ feature: DerivedFeature) -> Double? {
        let agesAndValues = inputs.allAgesKnown && inputs.allValuesKnown
        return switch feature {
        case .bitcoinCoinAge:
            agesAndValues && inputs.valueSum > 0 ? quotient(inputs.valueAgeSum, inputs.valueSum) : nil
        case .bitcoinCoinDaysDestroyed: agesAndValues ? quotient(inputs.valueAgeSum, 144 * 100_000_000) : nil
        case .bitcoinCoinAgeMin: inputs.allAgesKnown ? Double(inputs.ageMin) : nil
        case .bitcoinCoinAgeMax: inputs.allAgesKnown ? Double(inputs.ageMax) : nil
        case .bitcoinLargestInputShare: inputs.allValuesKnown ? ratio(inputs.largestValue, inputs.valueSum) : nil
        case .bitcoinInputScriptTypes: inputs.types.allKnown ? Double(inputs.types.distinctCount) : nil
        default: nil
        }
    }

    private func outputValue(_ feature: DerivedFeature) -> Double? {
        if feature == .bitcoinOutputScriptTypes { return outputs.types.allKnown ? Double(outputs.types.distinctCount) : nil }
        guard outputs.allValuesKnown else { return nil }
        return switch feature {
        case .bitcoinLargestOutputValue: Double(outputs.largestValue)
        case .bitcoinLargestOutputShare: ratio(outputs.largestValue, outputs.valueSum)
        case .bitcoinSmallestOutputValue:
            outputs.types.allKnown && outputs.spendable.count > 0 ? Double(outputs.spendable.smallestValue) : nil
        case .bitcoinRoundOutputCount: Double(outputs.roundCount)
        case .bitcoinRoundOutputShare: ratio(UInt64(outputs.roundCount), outputCount)
        case .bitcoinDustOutputCount: outputs.allDustLimitsKnown ? Double(outputs.dustCount) : nil
        case .bitcoinSameTypeOutputShare: typesTell ? ratio(outputs.sameType.valueSum, outputs.valueSum) : nil
        case .bitcoinChangeRatio: typesTell ? ratio(likeliestChange, outputs.valueSum) : nil
        default: nil
        }
    }

    /// Every output has bytes, also when its script is not known.
    private var outputsGiven: Bool { outputs.baseByteCount > 0 }

    /// The types of all spent outputs and of all outputs are known, and there is something spent.
    private var typesTell: Bool { isCoinbase == false && inputs.types.allKnown && outputs.types.allKnown }

    /// Value of the output that most likely returns to the sender: wallets send change to a script of the kind they spend from, so
    /// when that singles out some of the outputs that can be spent, the smallest of those, else the smallest of all that can be spent
    /// (were it larger than an input, that input would not have been needed). 0 when fewer than two can be spent.
    private var likeliestChange: UInt64 {
        guard outputs.spendable.count >= 2 else { return 0 }
        let singledOut = outputs.sameType.count > 0 && outputs.sameType.count < outputs.spendable.count
        return singledOut ? outputs.sameType.smallestValue : outputs.spendable.smallestValue
    }

    private func count(_ types: ScriptTypeCounts, _ number: UInt16) -> Double? {
        BitcoinScriptType(rawValue: UInt32(number)).flatMap(types.count).map { Double($0) }
    }

    private func share(_ types: ScriptTypeCounts, _ number: UInt16, of count: UInt64) -> Double? {
        BitcoinScriptType(rawValue: UInt32(number)).flatMap(types.count).flatMap { ratio(UInt64($0), count) }
    }
}

/// The quotient rounded once; nil when a part is unknown or the divisor is 0. Exact operands: all are below 2^53.
func ratio(_ dividend: UInt64?, _ divisor: UInt64?) -> Double? {
    guard let dividend, let divisor, divisor > 0 else { return nil }
    return Double(dividend) / Double(divisor)
}

func indicator(_ value: Bool) -> Double { value ? 1 : 0 }

/// `sum / divisor`: whole part and fraction apart, so that a whole quotient is exact and any other within an ulp.
private func quotient(_ sum: UInt128, _ divisor: UInt64) -> Double {
    let (whole, rest) = sum.quotientAndRemainder(dividingBy: UInt128(divisor))
    return Double(UInt64(whole)) + Double(UInt64(rest)) / Double(divisor)
}
