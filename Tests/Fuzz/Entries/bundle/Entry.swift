import FuzzTargets

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { FuzzTarget.bundle.run(start, count) }

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ countMax: Int) -> Int

/// Changes the content of one section every other time, and moves the others: bytes put in anywhere would only make the table wrong.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(_ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ countMax: Int, _ seed: CUnsignedInt) -> Int {
    var random = SeededRandom(seed: UInt64(seed))
    guard Bool.random(using: &random), let parts = BundleParts(Array(UnsafeBufferPointer(start: start, count: count))) else {
        return mutate(start, count, countMax)
    }
    let index = Int.random(in: 0..<parts.sections.count, using: &random)
    var content = parts.sections[index].content
    let old = content.count
    content += [UInt8](repeating: 0, count: 64)
    let new = content.withUnsafeMutableBufferPointer { mutate($0.baseAddress!, old, $0.count) }
    let file = parts.file(replacing: index, with: Array(content[..<new]))
    guard file.count <= countMax else { return mutate(start, count, countMax) }
    for (offset, byte) in file.enumerated() { start[offset] = byte }
    return file.count
}
