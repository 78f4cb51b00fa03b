import Platform

/// What is sent, and when sending ends.
extension LoadLoop {
    mutating func stopSendingWhenDone(_ now: UInt64) {
        // What was due before the end is still sent after it, by a thread that had no processor then, as long as there is room for it.
        let isTimeOver = now >= plan.schedule.sendUntil && (pacer?.isFinished ?? true || !hasRoom)
        let isOver = isTimeOver || requestsLeft == 0 || board.isStopped || isAbandoned(now)
        let isExhausted = pacer?.isFinished ?? false
        guard isOver || isExhausted else { return }
        isSending = false
        sendingEnd = min(now, plan.schedule.sendUntil)
        sendingProcessorTime = Self.processorNanoseconds()
    }

    /// Whether every connection is gone for good.
    func isAbandoned(_ now: UInt64) -> Bool {
        for index in 0..<connectionCount {
            if case .closed = unsafe connections[index].state { continue }
            return false
        }
        guard plan.configuration.reconnects else { return true }
        return now > lastOpen + LoadLimits.reconnectGiveUpNanoseconds
    }

    /// Sends what an open loop owes by now.
    mutating func sendArrivals(_ now: UInt64) {
        pacer?.trim(nowNanoseconds: now)
        let deadline = deadlineMicroseconds()
        for _ in 0..<LoadLimits.arrivalsPerTurn where requestsLeft > 0 {
            guard let index = connectionWithRoom(), let intended = pacer?.take(nowNanoseconds: now) else { break }
            enqueue(index, intended: intended, sent: now, deadline)
            if unsafe !connections[index].isDirty {
                unsafe connections[index].isDirty = true
                dirty.append(index)
            }
        }
        for index in dirty {
            unsafe connections[index].isDirty = false
            flush(index)
        }
        dirty.removeAll(keepingCapacity: true)
    }

    /// Whether any connection takes a request.
    var hasRoom: Bool {
        for index in 0..<connectionCount where unsafe connections[index].hasRoom { return true }
        return false
    }

    /// The next connection in turn that takes a request; nil when none does.
    mutating func connectionWithRoom() -> Int? {
        for _ in 0..<connectionCount {
            let index = cursor
            cursor = cursor + 1 == connectionCount ? 0 : cursor + 1
            if unsafe connections[index].hasRoom { return index }
        }
        return nil
    }

    /// Fills a connection of a closed loop up to its depth.
    mutating func refill(_ index: Int) {
        guard isSending, pacer == nil, requestsLeft > 0, unsafe connections[index].hasRoom else { return }
        let now = Clock.monotonicNanoseconds()
        guard now < plan.schedule.sendUntil else { return }
        let deadline = deadlineMicroseconds()
        while unsafe connections[index].hasRoom, requestsLeft > 0 { enqueue(index, intended: now, sent: now, deadline) }
    }

    @inline(__always)
    mutating func enqueue(_ index: Int, intended: UInt64, sent: UInt64, _ deadline: Int64) {
        let part = Int(requests.order[turn])
        turn = turn + 1 == requests.order.count ? 0 : turn + 1
        let item = nextItems[part]
        unsafe connections[index].enqueue(
            item, part: UInt16(part), of: requests.parts[part], intendedNanoseconds: intended, sentNanoseconds: sent,
            deadlineMicroseconds: deadline)
        nextItems[part] = item + 1 == requests.parts[part].count ? 0 : item + 1
        requestsLeft -= 1
        sink.tally.requestsSent += 1
    }

    func deadlineMicroseconds() -> Int64 {
        deadlineOffsetMicroseconds.map { Clock.wallNanoseconds() / 1_000 + $0 } ?? 0
    }

    mutating func flush(_ index: Int) {
        var bytesSent: UInt64 = 0
        let progress = unsafe connections[index].flush(bytesSent: &bytesSent)
        sink.tally.bytesSent += bytesSent
        switch progress {
        case .ok: setAwaitsWritable(index, false)
        case .blocked: setAwaitsWritable(index, true)
        case .ended, .fault: lose(index)
        }
    }

    mutating func setAwaitsWritable(_ index: Int, _ awaits: Bool) {
        guard unsafe connections[index].awaitsWritable != awaits else { return }
        unsafe connections[index].awaitsWritable = awaits
        watch(index, alsoWritable: awaits, isNew: false)
    }
}
