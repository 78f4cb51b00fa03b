import ArgumentParser

/// `assay journal …`: reads a journal, also one that a server is writing.
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Check, prove, read and repair the journal.",
        subcommands: [
            JournalVerify.self, JournalDump.self, JournalFind.self, JournalRepairCommand.self, JournalExport.self,
            JournalCheckpoint.self,
            JournalKeygen.self,
        ])
}
