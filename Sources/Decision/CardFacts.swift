import ModelBundle
import Wire

/// A card payment whose statements were checked; every feature is arithmetic on it. nil: not known.
struct CardFacts {
    /// Minor units, either sign.
    let amountMinor: Int64?
    /// Minor units in a major unit.
    let minorPerMajor: Int64
    let time: UTCTime?
    let elapsedSeconds: Double?
    /// 1 … 5
    let entryMode: UInt32?
    let merchantCategory: UInt32?
    let crossesBorder: Bool?

    /// Throws when a field says what no payment says.
    init(_ transaction: CardTransactionView) throws(TransactionError) {
        amountMinor = transaction.amountMinor
        if let amountMinor, amountMinor.magnitude > UInt64(DecisionLimits.amountMinorMax) {
            throw .amountOutOfRange(minor: amountMinor)
        }
        minorPerMajor = try Self.minorPerMajor(transaction.currency)
        if let microseconds = transaction.timeMicroseconds {
            time = try UTCTime(microseconds: microseconds)
        } else {
            time = nil
        }
        elapsedSeconds = transaction.elapsedSeconds.flatMap { $0.isNaN ? nil : $0 }
        if let elapsedSeconds, elapsedSeconds.magnitude > DecisionLimits.elapsedSecondsMax { throw .elapsedOutOfRange }
        let mode = transaction.statedEntryMode
        if mode > 5 { throw .unknownEntryMode(number: mode) }
        entryMode = mode == 0 ? nil : mode
        merchantCategory = transaction.merchantCategory
        if let merchantCategory, merchantCategory > DecisionLimits.merchantCategoryMax {
            throw .merchantCategoryOutOfRange(number: merchantCategory)
        }
        crossesBorder = try Self.crossesBorder(transaction)
        try Self.checkComponents(transaction)
    }

    private static func crossesBorder(_ transaction: CardTransactionView) throws(TransactionError) -> Bool? {
        let card = transaction.cardCountry
        let merchant = transaction.merchantCountry
        for country in [card, merchant] where country.letterCount != 0 && country.letterCount != 2 { throw .badCountry }
        return card.letterCount == 0 || merchant.letterCount == 0 ? nil : card != merchant
    }

    private static func checkComponents(_ transaction: CardTransactionView) throws(TransactionError) {
        let count = transaction.componentCount
        guard count <= DecisionLimits.componentCountMax else {
            throw .tooManyComponents(count: count, limit: DecisionLimits.componentCountMax)
        }
        for index in 0..<count where transaction.component(index).isInfinite { throw .componentInfinite(index: index) }
    }
}

extension CardFacts {
    /// ISO 4217's minor units. Currencies without any (gold, test codes: those with an X that are not a union's) are refused; codes this
    /// table does not name have two places, as nearly all do.
    static func minorPerMajor(_ currency: CodeView) throws(TransactionError) -> Int64 {
        guard let letterCount = currency.letterCount, letterCount == 0 || letterCount == 3 else { throw .badCurrency }
        switch currency.packed {
        case code("BIF"), code("CLP"), code("DJF"), code("GNF"), code("ISK"), code("JPY"), code("KMF"), code("KRW"), code("PYG"),
            code("RWF"), code("UGX"), code("UYI"), code("VND"), code("VUV"), code("XAF"), code("XOF"), code("XPF"):
            return 1
        case code("BHD"), code("IQD"), code("JOD"), code("KWD"), code("LYD"), code("OMR"), code("TND"): return 1000
        case code("CLF"), code("UYW"): return 10_000
        case code("XCD"), code("XCG"): return 100
        default:
            guard currency.packed >> 16 != UInt32(UInt8(ascii: "X")) else { throw .badCurrency }
            return 100
        }
    }

    @inline(__always)
    private static func code(_ letters: StaticString) -> UInt32 {
        // Safety: called with three ASCII letters only, and reads those.
        let start = unsafe letters.utf8Start
        return unsafe UInt32(start[0]) << 16 | UInt32(start[1]) << 8 | UInt32(start[2])
    }

    /// The formula of each feature, in Float64; nil: missing. `feature` is one of kind `.card`.
    func value(_ feature: DerivedFeature, _ transaction: CardTransactionView) -> Double? {
        switch feature {
        case .cardAmount: amount
        case .cardAmountLog: amount.map { $0 < 0 ? -naturalLogarithm(1 - $0) : naturalLogarithm(1 + $0) }
        case .cardRoundAmount: amountMinor.map { indicator($0 % minorPerMajor == 0) }
        case .cardRefund: amountMinor.map { indicator($0 < 0) }
        case .cardElapsedSeconds: elapsedSeconds
        case .cardHourOfDay: time.map { Double($0.hour) }
        case .cardDayOfWeek: time.map { Double($0.weekday) }
        case .cardWeekend: time.map { indicator($0.weekday >= 5) }
        case .cardCrossBorder: crossesBorder.map(indicator)
        case .cardMerchantCategory: merchantCategory.map { Double($0) }
        case .cardEntryMode: entryMode.map { Double($0) }
        case .cardEntryChip, .cardEntryContactless, .cardEntryMagstripe, .cardEntryManual, .cardEntryEcommerce:
            entryMode.map { indicator($0 == UInt32(feature.rawValue - DerivedFeature.cardEntryChip.rawValue) + 1) }
        default: component(Int(feature.rawValue) - Int(DerivedFeature.cardV1.rawValue), transaction)
        }
    }

    /// Rounded once: both operands are exact.
    private var amount: Double? { amountMinor.map { Double($0) / Double(minorPerMajor) } }

    private func component(_ index: Int, _ transaction: CardTransactionView) -> Double? {
        guard index >= 0, index < transaction.componentCount else { return nil }
        let value = transaction.component(index)
        return value.isNaN ? nil : Double(value)
    }
}
