extension ImportLimits {
    /// Nodes, weights and names are held as values of some 100 bytes for a tree node that takes 40 in the file.
    static let onnxFileByteCountMax = 256 << 20
    /// What decoding may allocate in all, for each byte of the file: a list of integers takes 2 bytes an element in the file, and
    /// 24 in the decoder's notes and 8 in its result. Much more comes of messages that repeat what may come once.
    static let onnxDecodingBytesPerByte = 64
    static let onnxDecodingByteCountMin = 1 << 20
    /// Steps of evaluating the graph for each byte of the file: a step makes one number for one leaf, which is kept till the end.
    /// An Isolation Forest takes a third of one.
    static let onnxStepsPerByte = 2
    static let onnxStepCountMin = 1 << 20
    /// How many nodes a tree may get for each one in the file, because tests for equal values are made of tests for ranges.
    static let onnxCopiesPerNode = 8
    static let onnxCopyCountMin = 4096
    /// Operations between an input and a tree's test.
    static let onnxFeatureStepCountMax = 16
}
