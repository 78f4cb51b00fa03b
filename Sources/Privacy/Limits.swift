/// The maxima of the key store.
public enum PrivacyLimits {
    /// Slots of one key file, its header counted as one: a file of 1 MiB.
    public static let slotCountPerFile = 8192

    /// Key files: 33 million keys, 4 GiB. Beyond, requests of new subjects are refused.
    public static let keyFileCountMax = 4096

    /// Texts of `PersonalData`.
    public static let subjectByteCountMax = 128
    public static let fieldByteCountMax = 128
    public static let freeTextByteCountMax = 1024

    /// Who and why of an erasure, each.
    public static let reasonByteCountMax = 1024
}
