/// Gauss-Legendre quadrature on 0...1, with as few points as are exact.
struct ExplainerQuadrature {
    /// Each inside 0...1.
    private(set) var points: [Double] = []
    /// They sum to 1.
    private(set) var weights: [Double] = []

    /// How many points integrate the polynomials of a path exactly: n points are exact up to degree 2n - 1, and the polynomial of a
    /// path with d distinct features has degree d - 1.
    static func pointCount(featureCount: Int) -> Int { max(1, (featureCount + 1) / 2) }

    /// How many numbers a vector of so many points is padded to: what the kernels' registers hold.
    static func paddedCount(pointCount: Int) -> Int { pointCount <= 4 ? 4 : (pointCount + 7) / 8 * 8 }

    /// The rule of `count` points: the zeros of the Legendre polynomial, each found by Newton's method from a close first guess
    /// (Tricomi's), and mirrored.
    init(count: Int) {
        for index in 0..<((count + 1) / 2) {
            var zero = Self.cosine(Double.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
            var slope = 0.0
            // From this guess four steps reach the last digit; the rest change nothing.
            for _ in 0..<8 {
                let (value, derivative) = Self.legendre(count, at: zero)
                slope = derivative
                zero -= value / derivative
            }
            let weight = 1 / ((1 - zero * zero) * slope * slope)
            points.append((1 + zero) / 2)
            weights.append(weight)
            guard index != count - 1 - index else { continue }
            points.append((1 - zero) / 2)
            weights.append(weight)
        }
    }

    /// A Legendre polynomial and its derivative inside -1...1, by Bonnet's recursion.
    private static func legendre(_ degree: Int, at x: Double) -> (value: Double, derivative: Double) {
        var previous = 1.0
        var value = x
        for order in stride(from: 2, through: degree, by: 1) {
            let n = Double(order)
            (previous, value) = (value, ((2 * n - 1) * x * value - (n - 1) * previous) / n)
        }
        return (value, Double(degree) * (x * value - previous) / (x * x - 1))
    }

    /// The cosine of an angle of 0...pi / 2 by its series, to 12 digits: this module does without a library of mathematics.
    private static func cosine(_ angle: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        for order in stride(from: 2.0, through: 18, by: 2) {
            term *= -angle * angle / ((order - 1) * order)
            sum += term
        }
        return sum
    }
}
