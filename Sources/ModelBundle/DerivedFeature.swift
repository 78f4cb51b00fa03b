/// What the server can derive from a typed transaction: the source of a feature in a bundle's schema.
///
/// The raw values are stored in bundles: a number once given keeps its meaning for ever and is never given again. Bitcoin has
/// 1 ... 999, card 1000 ... 1999; 0 means "no source". Formulas, units, ranges and what makes each missing: docs/FEATURES.md.
public enum DerivedFeature: UInt16, CaseIterable, Sendable {
    /// Serialized size with witnesses, bytes.
    case bitcoinSize = 1
    /// Weight units (BIP 141).
    case bitcoinWeight = 2
    /// Virtual size, ceil(weight / 4), vbytes.
    case bitcoinVsize = 3
    /// Fee, satoshi.
    case bitcoinFee = 4
    /// fee / vsize, satoshi per vbyte.
    case bitcoinFeeRate = 5
    /// Inputs.
    case bitcoinInputCount = 6
    /// Outputs.
    case bitcoinOutputCount = 7
    /// Sum of the spent outputs' values, satoshi.
    case bitcoinInputValue = 8
    /// Sum of the outputs' values, satoshi.
    case bitcoinOutputValue = 9
    /// Share of the output value that the likeliest change output carries, 0 … 1.
    case bitcoinChangeRatio = 10
    /// Witness bytes / size, 0 … 1.
    case bitcoinWitnessShare = 11
    /// 1 when replaceability is signalled (BIP 125), else 0.
    case bitcoinRbf = 12
    /// 1 when the lock time is not zero, else 0.
    case bitcoinLocktimeSet = 13
    /// 1 for a coinbase transaction, else 0.
    case bitcoinCoinbase = 14
    /// Mean age of the spent outputs weighted by value, blocks.
    case bitcoinCoinAge = 15
    /// Sum of value x age, bitcoin days of 144 blocks.
    case bitcoinCoinDaysDestroyed = 16
    /// Age of the youngest spent output, blocks.
    case bitcoinCoinAgeMin = 17
    /// Age of the oldest spent output, blocks.
    case bitcoinCoinAgeMax = 18
    /// Largest output / output value, 0 … 1.
    case bitcoinLargestOutputShare = 19
    /// Largest input / input value, 0 … 1.
    case bitcoinLargestInputShare = 20
    /// Value of the largest output, satoshi.
    case bitcoinLargestOutputValue = 21
    /// Value of the smallest output that can be spent, satoshi.
    case bitcoinSmallestOutputValue = 22
    /// Outputs whose value is a positive multiple of 100,000 satoshi.
    case bitcoinRoundOutputCount = 23
    /// round_output_count / output_count, 0 … 1.
    case bitcoinRoundOutputShare = 24
    /// Outputs below the dust limit of their script at 3 sat/vB.
    case bitcoinDustOutputCount = 25
    /// input_value / input_count, satoshi.
    case bitcoinValuePerInput = 26
    /// output_value / output_count, satoshi.
    case bitcoinValuePerOutput = 27
    /// fee / input_value, 0 … 1.
    case bitcoinFeeShare = 28
    /// The transaction's version number.
    case bitcoinTxVersion = 29
    /// The lock time as it is: a height below 500,000,000, else Unix seconds.
    case bitcoinLocktime = 30
    /// Signature operation cost, as stated.
    case bitcoinSigops = 31
    /// Bytes of marker, flag and witnesses.
    case bitcoinWitnessBytes = 32
    /// Share of the output value that goes to script types found among the inputs, 0 … 1.
    case bitcoinSameTypeOutputShare = 33
    /// Different script types among the spent outputs.
    case bitcoinInputScriptTypes = 34
    /// Different script types among the outputs.
    case bitcoinOutputScriptTypes = 35
    /// Hour of the day in which it was first seen, UTC, 0 … 23.
    case bitcoinFirstSeenHour = 36
    /// Day of the week on which it was first seen, UTC, 0 (Monday) … 6.
    case bitcoinFirstSeenWeekday = 37

    // Spent outputs by script type: 100 + the type's number in the contract. Shares of all spent outputs: 120 + the number.
    case bitcoinInputP2pkCount = 101
    case bitcoinInputP2pkhCount = 102
    case bitcoinInputP2shCount = 103
    case bitcoinInputMultisigCount = 104
    case bitcoinInputP2wpkhCount = 105
    case bitcoinInputP2wshCount = 106
    case bitcoinInputP2trCount = 107
    case bitcoinInputP2aCount = 108
    case bitcoinInputNonstandardCount = 110
    case bitcoinInputP2pkShare = 121
    case bitcoinInputP2pkhShare = 122
    case bitcoinInputP2shShare = 123
    case bitcoinInputMultisigShare = 124
    case bitcoinInputP2wpkhShare = 125
    case bitcoinInputP2wshShare = 126
    case bitcoinInputP2trShare = 127
    case bitcoinInputP2aShare = 128
    case bitcoinInputNonstandardShare = 130

    // Outputs by script type: 140 + the type's number in the contract. Shares of all outputs: 160 + the number.
    case bitcoinOutputP2pkCount = 141
    case bitcoinOutputP2pkhCount = 142
    case bitcoinOutputP2shCount = 143
    case bitcoinOutputMultisigCount = 144
    case bitcoinOutputP2wpkhCount = 145
    case bitcoinOutputP2wshCount = 146
    case bitcoinOutputP2trCount = 147
    case bitcoinOutputP2aCount = 148
    case bitcoinOutputOpReturnCount = 149
    case bitcoinOutputNonstandardCount = 150
    case bitcoinOutputP2pkShare = 161
    case bitcoinOutputP2pkhShare = 162
    case bitcoinOutputP2shShare = 163
    case bitcoinOutputMultisigShare = 164
    case bitcoinOutputP2wpkhShare = 165
    case bitcoinOutputP2wshShare = 166
    case bitcoinOutputP2trShare = 167
    case bitcoinOutputP2aShare = 168
    case bitcoinOutputOpReturnShare = 169
    case bitcoinOutputNonstandardShare = 170

    /// Amount in the currency's major unit.
    case cardAmount = 1000
    /// sign(amount) x ln(1 + |amount|).
    case cardAmountLog = 1001
    /// Seconds since the first transaction of the series.
    case cardElapsedSeconds = 1002
    /// Hour of the day, UTC, 0 … 23.
    case cardHourOfDay = 1003
    /// Day of the week, UTC, 0 (Monday) … 6.
    case cardDayOfWeek = 1004
    /// 1 on Saturday and Sunday, UTC, else 0.
    case cardWeekend = 1005
    /// 1 when the amount is a whole number of major units, else 0.
    case cardRoundAmount = 1006
    /// 1 when the amount is negative, else 0.
    case cardRefund = 1007
    /// 1 when the card's and the merchant's country differ, else 0.
    case cardCrossBorder = 1008
    /// ISO 18245 merchant category code.
    case cardMerchantCategory = 1009
    /// Entry mode as a category: 1 chip, 2 contactless, 3 magnetic stripe, 4 manual, 5 e-commerce.
    case cardEntryMode = 1010

    // 1 for this entry mode, 0 for another one: 1020 + the mode's number in the contract.
    case cardEntryChip = 1021
    case cardEntryContactless = 1022
    case cardEntryMagstripe = 1023
    case cardEntryManual = 1024
    case cardEntryEcommerce = 1025

    // Anonymised components in order: 1100 + the number.
    case cardV1 = 1101
    case cardV2 = 1102
    case cardV3 = 1103
    case cardV4 = 1104
    case cardV5 = 1105
    case cardV6 = 1106
    case cardV7 = 1107
    case cardV8 = 1108
    case cardV9 = 1109
    case cardV10 = 1110
    case cardV11 = 1111
    case cardV12 = 1112
    case cardV13 = 1113
    case cardV14 = 1114
    case cardV15 = 1115
    case cardV16 = 1116
    case cardV17 = 1117
    case cardV18 = 1118
    case cardV19 = 1119
    case cardV20 = 1120
    case cardV21 = 1121
    case cardV22 = 1122
    case cardV23 = 1123
    case cardV24 = 1124
    case cardV25 = 1125
    case cardV26 = 1126
    case cardV27 = 1127
    case cardV28 = 1128

    /// The kind of transaction a feature is derived from.
    public enum Kind: UInt8, Sendable { case bitcoin = 1, card = 2 }

    /// Which typed transaction carries it.
    public var kind: Kind { rawValue < 1000 ? .bitcoin : .card }
}
