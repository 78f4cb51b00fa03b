import Foundation
import ModelBundle
import Testing
import Wire

@testable import Decision

@Suite struct CardFeatureTests {
    private func card(_ amountMinor: Int64?, _ currency: String = "USD") -> CardTransaction {
        var card = CardTransaction()
        card.amountMinor = amountMinor
        card.currency = currency
        return card
    }

    @Test func theCurrencyPlacesTheDecimalPoint() throws {
        for (currency, amount) in [
            ("USD", 149.62), ("", 149.62), ("JPY", 14962), ("KWD", 14.962), ("CLF", 1.4962), ("XAF", 14962),
        ] {
            #expect(try derive(card(14_962, currency), .cardAmount) == amount)
        }
        for currency in ["usd", "US", "USDT", "U$D", "XAU", "XXX"] { #expect(refusal(card(1, currency)) == .badCurrency) }
    }

    @Test func amountsGiveLogarithmRoundnessAndRefund() throws {
        #expect(try derive(card(0), [.cardAmountLog, .cardRoundAmount, .cardRefund]) == [0, 1, 0])
        #expect(try derive(card(-500), [.cardAmount, .cardRoundAmount, .cardRefund]) == [-5, 1, 1])
        #expect(try derive(card(501), .cardRoundAmount) == 0)
        #expect(try derive(card(-501), .cardAmountLog) == -(try derive(card(501), .cardAmountLog)))
        #expect(try derive(card(nil), [.cardAmount, .cardAmountLog, .cardRoundAmount, .cardRefund]).allSatisfy(\.isNaN))
        #expect(refusal(card(.min)) == .amountOutOfRange(minor: .min))
        #expect(refusal(card(1_000_000_000_000_001)) == .amountOutOfRange(minor: 1_000_000_000_000_001))
    }

    @Test func logarithmsAreWithinTwoUnitsOfTheLibrarys() {
        var random = SeededGenerator(seed: 7)
        var x = 1.0
        while x < 1e16 {
            let expected = log(x)
            #expect(abs(naturalLogarithm(x) - expected) <= 2 * expected.ulp, "ln \(x)")
            x *= 1 + Double.random(in: 0...0.01, using: &random)
        }
        #expect(naturalLogarithm(1) == 0)
    }

    @Test func timeGivesHourWeekdayAndWeekend() throws {
        var card = card(1)
        card.timeMicroseconds = 1_710_115_199_999_999
        #expect(try derive(card, [.cardHourOfDay, .cardDayOfWeek, .cardWeekend]) == [23, 6, 1])
        card.timeMicroseconds = 1_710_115_200_000_000
        #expect(try derive(card, [.cardHourOfDay, .cardDayOfWeek, .cardWeekend]) == [0, 0, 0])
        card.timeMicroseconds = nil
        #expect(try derive(card, [.cardHourOfDay, .cardDayOfWeek, .cardWeekend]).allSatisfy(\.isNaN))
        card.timeMicroseconds = -1
        #expect(refusal(card) == .timeOutOfRange(microseconds: -1))
    }

    @Test func entryModesAreOneHot() throws {
        let hot: [DerivedFeature] = [
            .cardEntryChip, .cardEntryContactless, .cardEntryMagstripe, .cardEntryManual, .cardEntryEcommerce, .cardEntryMode,
        ]
        var card = card(1)
        #expect(try derive(card, hot).allSatisfy(\.isNaN))
        for mode in 1...5 {
            card.entryMode = UInt32(mode)
            #expect(try derive(card, hot) == (1...5).map { $0 == mode ? 1 : 0 } + [Double(mode)])
        }
        card.entryMode = 6
        #expect(refusal(card) == .unknownEntryMode(number: 6))
    }

    @Test func countriesTellABorder() throws {
        var card = card(1)
        card.cardCountry = "DE"
        #expect(try derive(card, .cardCrossBorder).isNaN)
        card.merchantCountry = "DE"
        #expect(try derive(card, .cardCrossBorder) == 0)
        card.merchantCountry = "FR"
        #expect(try derive(card, .cardCrossBorder) == 1)
        card.merchantCountry = "FRA"
        #expect(refusal(card) == .badCountry)
    }

    @Test func componentsComeInOrderAndMissingOnesStayMissing() throws {
        let sources = DerivedFeature.allCases.filter { (1101...1128).contains($0.rawValue) }
        var card = card(1)
        card.components = [1.5, .nan, -2]
        let features = try derive(card, sources)
        #expect(features[0] == 1.5 && features[1].isNaN && features[2] == -2)
        #expect(features[3...].allSatisfy(\.isNaN) && features.count == 28)
        card.components = (1...28).map(Float.init)
        #expect(try derive(card, sources) == (1...28).map(Double.init))
        card.components = [0, .infinity]
        #expect(refusal(card) == .componentInfinite(index: 1))
        card.components = [Float](repeating: 0, count: 29)
        #expect(refusal(card) == .tooManyComponents(count: 29, limit: 28))
    }

    @Test func elapsedSecondsAndCategoryAreTakenAsTheyAre() throws {
        var card = card(1)
        (card.elapsedSeconds, card.merchantCategory) = (86_400.5, 5411)
        #expect(try derive(card, [.cardElapsedSeconds, .cardMerchantCategory]) == [86_400.5, 5411])
        card.merchantCategory = 10_000
        #expect(refusal(card) == .merchantCategoryOutOfRange(number: 10_000))
        (card.merchantCategory, card.elapsedSeconds) = (nil, .nan)
        #expect(try derive(card, [.cardElapsedSeconds, .cardMerchantCategory]).allSatisfy(\.isNaN))
        card.elapsedSeconds = .infinity
        #expect(refusal(card) == .elapsedOutOfRange)
    }

    @Test func aCardBundleRefusesABitcoinTransaction() {
        #expect(throws: TransactionError.kindMismatch) { try derive(payment(), [.cardAmount]) }
        #expect(throws: TransactionError.kindMismatch) { try derive(card(1), [.bitcoinFee]) }
    }
}
