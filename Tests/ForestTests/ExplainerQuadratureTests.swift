import Testing

@testable import Forest

@Suite struct ExplainerQuadratureTests {
    @Test(arguments: [1, 2, 3, 4, 5, 8, 16, 31, 64, 127, 128]) func powersAreIntegratedExactly(count: Int) {
        let rule = ExplainerQuadrature(count: count)
        #expect(rule.points.count == count && Set(rule.points).count == count)
        #expect(rule.points.allSatisfy { $0 > 0 && $0 < 1 })
        // The powers of each point, up to the highest degree that is exact, and one more.
        var powers = rule.weights
        for degree in 0...(2 * count) {
            let error = (powers.reduce(0, +) * Double(degree + 1) - 1).magnitude
            if degree < 2 * count {
                #expect(error < 1e-12, "degree \(degree)")
            } else if count <= 4 {
                #expect(error > 1e-6)
            }
            for index in powers.indices { powers[index] *= rule.points[index] }
        }
    }

    @Test func twoFeaturesTakeOnePoint() {
        #expect([0, 1, 2, 3, 8, 9, 255].map(ExplainerQuadrature.pointCount) == [1, 1, 1, 2, 4, 5, 128])
        #expect([1, 4, 5, 8, 9, 128].map(ExplainerQuadrature.paddedCount) == [4, 4, 8, 8, 16, 128])
    }
}
