/// Mistakes that a journal's code could make, put in at the seam between code and disk (or driver). The simulation must find each of them: what
/// can't tell a broken journal from a good one proves nothing.
enum Defect: String, CaseIterable {
    /// Says "durable" before the disk does.
    case acknowledgesBeforeSync
    /// Takes what was written while the sync was running for synced.
    case acknowledgesWhatCameDuringSync
    case skipsSync
    case skipsSyncBeforeRotation
    case skipsSyncInRecovery
    case skipsSyncOfReplacedFiles
    case skipsDirectorySync
    case skipsDirectorySyncAtRotation
    case syncsDirectoriesLate
    case retriesFailedSync
    /// Syncs in recovery what an earlier process failed to sync, without writing it again.
    case trustsThePageCache
    /// Gives the ring's room back before the write.
    case freesRingBeforeWrite
    case loseTheEndOfWrites
    case swallowsWriteErrors
    case leavesTornTails
    case keepsTheCloseMarker
    case throwsDamagedFilesAway
    /// Never looks at the ring that a dead process left.
    case forgetsTheRing
    case skipsSyncOfProof
    case skipsDirectorySyncOfProof
    case skipsDirectorySyncInRetention
    /// Deletes segments whether a sink has them or not.
    case retiresWhatIsNotConfirmed
    /// Looks for decisions in closed segments only.
    case looksUpClosedSegmentsOnly
}
