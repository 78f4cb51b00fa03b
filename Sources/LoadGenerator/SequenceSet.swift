/// A set of audit sequence numbers that tells whether one was there before: pages of a bitmap, since the numbers are dense.
struct SequenceSet {
    private static let pageBits: UInt64 = 15
    private static let wordsPerPage = 512

    private var pageIndex: [UInt64: Int] = [:]
    /// One array a page, so that growing copies the list of pages only and never stalls a run.
    private var pages: [[UInt64]] = []
    private var lastPageNumber = UInt64.max
    private var lastPageIndex = 0

    /// Distinct numbers.
    private(set) var count: UInt64 = 0
    /// Numbers that came again.
    private(set) var repeated: UInt64 = 0
    /// Numbers that no page was left for: they lie so scattered that they can't be a server's dense numbering.
    private(set) var unchecked: UInt64 = 0

    /// Adds a number.
    mutating func insert(_ number: UInt64) {
        let page = number >> Self.pageBits
        if page != lastPageNumber {
            guard let found = index(ofPage: page) else {
                unchecked += 1
                return
            }
            lastPageNumber = page
            lastPageIndex = found
        }
        let bit = UInt64(1) << (number & 63)
        let index = Int(number >> 6 & 511)
        if pages[lastPageIndex][index] & bit == 0 {
            pages[lastPageIndex][index] |= bit
            count += 1
        } else {
            repeated += 1
        }
    }

    /// Adds `count` numbers from `first` on.
    mutating func insert(first: UInt64, count: Int) {
        for offset in 0..<UInt64(count) { insert(first &+ offset) }
    }

    /// Adds another set; numbers in both count as repeated.
    mutating func formUnion(_ other: SequenceSet) {
        repeated += other.repeated
        unchecked += other.unchecked
        for (page, otherIndex) in other.pageIndex {
            let added = other.pages[otherIndex]
            guard let index = index(ofPage: page) else {
                unchecked += UInt64(added.reduce(0) { $0 + $1.nonzeroBitCount })
                continue
            }
            for (offset, word) in added.enumerated() {
                let both = pages[index][offset] & word
                repeated += UInt64(both.nonzeroBitCount)
                count += UInt64(word.nonzeroBitCount - both.nonzeroBitCount)
                pages[index][offset] |= word
            }
        }
    }

    private mutating func index(ofPage page: UInt64) -> Int? {
        if let index = pageIndex[page] { return index }
        guard pages.count < LoadLimits.sequencePageCountMax else { return nil }
        pages.append([UInt64](repeating: 0, count: Self.wordsPerPage))
        pageIndex[page] = pages.count - 1
        return pages.count - 1
    }
}
