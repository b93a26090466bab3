// Implementation of connection_driver.h; include that.
#pragma once

#include <cerrno>

#include "proto/codec.h"

namespace solec {

template <class I, class H>
void ConnectionDriver<I, H>::OnAccept(uint32_t listener, SocketId socket) {
  Connection* connection = table_->Create(socket);
  if (!handler_->MayAccept(connection)) {
    connection->state = ConnectionState::kEnding;
    connection->close_reason = CloseReason::kTooManyConnections;
    CloseNow(connection);
    return;
  }
  if (listener >= table_->first_tls_listener_) {
    connection->tls = table_->tls_->Accept(table_->buffers_);
  }
  SetLoginTimer(connection, NowMs());
  StartReceive(connection);
}

template <class I, class H>
void ConnectionDriver<I, H>::SetLoginTimer(Connection* connection, uint32_t since_ms) {
  const uint64_t limit_ms = handler_->connection_config().login_timeout_ms;
  connection->since_ms = since_ms;
  // Another shard's turn may have begun after ours: then its clock is a little ahead.
  const int32_t elapsed_ms = std::max(static_cast<int32_t>(NowMs() - since_ms), 0);
  SetTimer(connection, limit_ms - std::min<uint64_t>(static_cast<uint64_t>(elapsed_ms), limit_ms));
}

template <class I, class H>
Connection* ConnectionDriver<I, H>::Adopt(typename I::NativeHandle handle, Bytes held_input,
                                          uint32_t since_ms, std::unique_ptr<TlsSession> tls) {
  Connection* connection = table_->Create(io_->Adopt(handle));
  connection->tls = std::move(tls);
  if (connection->tls != nullptr) {
    connection->tls->UsePool(table_->buffers_);
    connection->peer_finished = connection->tls->peer_closed();
  }
  table_->KeepInput(connection, held_input, 0);
  connection->resume_queued = true;
  table_->resumed_.push_back(connection->socket.index);
  SetLoginTimer(connection, since_ms);
  return connection;
}

// --- input ---

template <class I, class H>
void ConnectionDriver<I, H>::StartReceive(Connection* connection) {
  // A login is a few bytes and then often a hand-over: received piece by piece, it can move to
  // another shard without an operation to cancel.
  const bool open = connection->state == ConnectionState::kOpen;
  connection->receiving = true;
  io_->Receive(connection->socket, open ? ReceiveMode::kStream : ReceiveMode::kOnce);
}

template <class I, class H>
void ConnectionDriver<I, H>::OnReceive(SocketId socket, Bytes bytes) {
  Connection* connection = table_->Get(socket);
  if (connection == nullptr) return;
  handler_->SetNow(io_->NowNs());  // the I/O may have slept since the handler was told last
  handler_->CountReceived(bytes.size());
  if (connection->tls == nullptr) [[likely]] Take(connection, bytes);
  else TakeTls(connection, bytes);
}

template <class I, class H>
void ConnectionDriver<I, H>::Take(Connection* connection, Bytes bytes) {
  if (connection->live()) [[likely]] {
    Feed(connection, bytes);
  } else if (connection->state == ConnectionState::kMoving) {
    table_->KeepInput(connection, bytes, 0);
  }
  // Otherwise it is ending: what the peer still says is read and forgotten, so that closing does
  // not reset the connection before the peer has read our last frame.
}

template <class I, class H>
void ConnectionDriver<I, H>::TakeTls(Connection* connection, Bytes bytes) {
  if (!connection->live() && connection->state != ConnectionState::kMoving) return;
  TlsSession& tls = *connection->tls;
  tls_input_.resize(kTlsInputBytes);
  tls.Receive(bytes, tls_input_, [this, connection](Bytes plain) {
    TellDialed(connection);
    Take(connection, plain);
  });
  if (tls.state() == TlsState::kOpen) TellDialed(connection);
  if (tls.has_pending()) table_->MarkDirty(connection);
  if (tls.state() == TlsState::kFailed) {
    table_->End(connection, CloseReason::kTlsFailed);
  } else if (tls.peer_closed() && !connection->peer_finished) {
    connection->peer_finished = true;
    OnPeerFinished(connection);
  }
}

// The peer has finished sending, in order.
template <class I, class H>
void ConnectionDriver<I, H>::OnPeerFinished(Connection* connection) {
  if (!connection->live()) return;
  // On hold: what is held comes first, then Resume goes on with the end.
  if (connection->holds != 0 || connection->resume_queued) return;
  table_->End(connection, CloseReason::kPeerClosed);
}

template <class I, class H>
void ConnectionDriver<I, H>::Feed(Connection* connection, Bytes bytes) {
  if (connection->holds != 0 || connection->resume_queued) [[unlikely]] {
    table_->KeepInput(connection, bytes, 0);
    if (connection->held_size > kHeldBytesStop && !connection->stop_asked) {
      connection->stop_asked = true;
      io_->StopReceive(connection->socket);
    }
    return;
  }
  if (connection->held_size != 0) {
    bytes = CompleteHeld(connection, bytes);
    if (bytes.empty()) return;
  }
  Parse(connection, bytes);
}

// Input begins with a frame of which a part came earlier: takes as much of `bytes` as completes it,
// and returns the rest; empty if the frame is still not whole, or parsing must stop.
template <class I, class H>
Bytes ConnectionDriver<I, H>::CompleteHeld(Connection* connection, Bytes bytes) {
  while (true) {
    const size_t held = connection->held_size;
    const size_t whole = FrameSizeAt(Bytes(connection->held, held));
    const size_t wanted = whole == 0 ? kFrameHeaderSize : whole;
    const size_t taken = std::min(wanted - held, bytes.size());
    table_->KeepInput(connection, bytes.first(taken), wanted);
    bytes = bytes.subspan(taken);
    if (connection->held_size < wanted) return {};
    if (connection->held_size == FrameSizeAt(Bytes(connection->held, connection->held_size))) break;
  }
  // The frame leaves the connection while it is looked at: handling it may keep other input.
  uint8_t* buffer = connection->held;
  const uint32_t capacity = connection->held_capacity, size = connection->held_size;
  connection->held = nullptr;
  connection->held_size = connection->held_capacity = 0;
  Bytes stream(buffer, size);
  Frame frame;
  TakeFrame(&stream, &frame);
  const FrameVerdict verdict = Show(connection, frame, bytes.size());
  const bool next = Verdict(connection, verdict, frame.bytes, bytes);
  table_->buffers_->Give(buffer, capacity);
  return next ? bytes : Bytes{};
}

// A frame may end its own connection, by an answer that no longer fits into the output: whatever
// the handler says of the frame then, there is no next one.
template <class I, class H>
FrameVerdict ConnectionDriver<I, H>::Show(Connection* connection, const Frame& frame,
                                          size_t behind) {
  const FrameVerdict verdict = handler_->OnFrame(connection, frame, behind);
  const bool goes_on = connection->live() || verdict == FrameVerdict::kMoveBefore;
  return goes_on ? verdict : FrameVerdict::kEnded;
}

// Acts on what the handler said of a frame; `before` is the frame, `after` all that follows it.
// True if parsing goes on.
template <class I, class H>
bool ConnectionDriver<I, H>::Verdict(Connection* connection, FrameVerdict verdict, Bytes before,
                                     Bytes after) {
  switch (verdict) {
    case FrameVerdict::kNext:
      return true;
    case FrameVerdict::kHoldBefore:
    case FrameVerdict::kMoveBefore:
      table_->KeepInput(connection, before, before.size() + after.size());
      [[fallthrough]];
    case FrameVerdict::kHoldAfter:
      if (!after.empty()) table_->KeepInput(connection, after, 0);
      return false;
    case FrameVerdict::kEnded:
      return false;
  }
  return false;
}

template <class I, class H>
FrameVerdict ConnectionDriver<I, H>::Parse(Connection* connection, Bytes bytes) {
  Frame frame;
  while (TakeFrame(&bytes, &frame)) {
    const FrameVerdict verdict = Show(connection, frame, bytes.size());
    if (verdict != FrameVerdict::kNext) [[unlikely]] {
      Verdict(connection, verdict, frame.bytes, bytes);
      return verdict;
    }
  }
  // A frame cut off at the end of the buffer: room for all of it, now that its size may be known.
  if (!bytes.empty()) table_->KeepInput(connection, bytes, FrameSizeAt(bytes));
  return FrameVerdict::kNext;
}

template <class I, class H>
void ConnectionDriver<I, H>::OnReceiveEnd(SocketId socket, ReceiveEnd end, int error) {
  Connection* connection = table_->Get(socket);
  if (connection == nullptr) return;
  connection->receiving = connection->stop_asked = false;
  if (end == ReceiveEnd::kError || end == ReceiveEnd::kEof) connection->peer_finished = true;
  switch (connection->state) {
    case ConnectionState::kLogin:
    case ConnectionState::kOpen:
      if (end == ReceiveEnd::kError) {
        static_cast<void>(error);
        table_->End(connection, CloseReason::kPeerReset);
      } else if (end == ReceiveEnd::kEof) {
        OnPeerFinished(connection);
      } else if (connection->holds == 0 && !connection->resume_queued) {
        StartReceive(connection);  // otherwise Resume does
      }
      break;
    case ConnectionState::kMoving:
      if (end == ReceiveEnd::kError) table_->End(connection, CloseReason::kPeerReset);
      break;
    case ConnectionState::kFlushing:
      if (end == ReceiveEnd::kError) CloseNow(connection);
      break;
    case ConnectionState::kLingering:
      if (connection->peer_finished) CloseNow(connection);
      else StartReceive(connection);
      break;
    case ConnectionState::kDialling:
    case ConnectionState::kEnding:
    case ConnectionState::kClosed:
    case ConnectionState::kFree:
      break;
  }
}

// The last reason to hold the input is gone: what was held is parsed, then receiving goes on.
template <class I, class H>
void ConnectionDriver<I, H>::Resume(Connection* connection) {
  if (connection->held_size != 0) {
    uint8_t* buffer = connection->held;
    const uint32_t capacity = connection->held_capacity, size = connection->held_size;
    connection->held = nullptr;
    connection->held_size = connection->held_capacity = 0;
    Parse(connection, Bytes(buffer, size));
    table_->buffers_->Give(buffer, capacity);
  }
  if (!connection->live() || connection->holds != 0) return;
  if (connection->peer_finished) {
    table_->End(connection, CloseReason::kPeerClosed);
  } else if (!connection->receiving) {
    StartReceive(connection);
  }
}

// --- output ---

template <class I, class H>
void ConnectionDriver<I, H>::FlushOutput(Connection* connection) {
  if (connection->tls != nullptr) [[unlikely]] return FlushTls(connection);
  if (connection->output.send_in_flight() || connection->output.empty()) return;
  if (connection->state == ConnectionState::kClosed) return;
  std::array<Bytes, kIoSlicesMax> slices;
  const size_t count = connection->output.BeginSend(slices.data(), slices.size());
  io_->Send(connection->socket, std::span<const Bytes>(slices.data(), count));
  sent_.push_back(connection->socket.index);
}

// Plain bytes stay in the output, in flight, until all that they were encrypted to has been sent.
template <class I, class H>
void ConnectionDriver<I, H>::FlushTls(Connection* connection) {
  TlsSession& tls = *connection->tls;
  OutputQueue& output = connection->output;
  if (connection->state == ConnectionState::kClosed || connection->tls_sending) return;
  if (!tls.sending() && tls.state() == TlsState::kOpen && !output.empty()) {
    std::array<Bytes, kIoSlicesMax> slices;
    const size_t count =
        output.BeginSend(slices.data(), slices.size(), TlsSession::kEncryptBytesMax);
    if (!tls.Encrypt(std::span<const Bytes>(slices.data(), count), TlsRecord())) {
      output.Sent(table_->buffers_, 0);
      tls.DropOutput();
      table_->End(connection, CloseReason::kTlsFailed);
      return;
    }
  }
  const Bytes bytes = tls.BeginSend();
  if (bytes.empty()) return;
  connection->tls_sending = true;
  io_->Send(connection->socket, std::span<const Bytes>(&bytes, 1));
  sent_.push_back(connection->socket.index);
}

// A send that was short goes on with the rest; the output learns of what was sent at its end.
template <class I, class H>
void ConnectionDriver<I, H>::OnTlsSent(Connection* connection, int64_t result) {
  connection->tls_sending = false;
  if (result < 0) {
    connection->output.Sent(table_->buffers_, 0);
    connection->tls->DropOutput();
  } else if (connection->tls->Sent(static_cast<size_t>(result))) {
    connection->output.Sent(table_->buffers_, connection->output.in_flight());
  }
}

template <class I, class H>
void ConnectionDriver<I, H>::OnSendBroken(Connection* connection) {
  if (connection->live() || connection->state == ConnectionState::kMoving) {
    table_->End(connection, CloseReason::kPeerReset);
  } else if (connection->state == ConnectionState::kFlushing) {
    CloseNow(connection);
  }
}

template <class I, class H>
void ConnectionDriver<I, H>::OnSent(SocketId socket, int64_t result) {
  Connection* connection = table_->Get(socket);
  if (connection == nullptr) return;
  const uint64_t size = result > 0 ? static_cast<uint64_t>(result) : 0;
  handler_->CountSent(size);
  if (connection->tls == nullptr) [[likely]] {
    connection->output.Sent(table_->buffers_, size);
  } else {
    OnTlsSent(connection, result);
  }
  if (connection->state == ConnectionState::kOpen) connection->since_ms = 0;
  if (result < 0) [[unlikely]] {
    OnSendBroken(connection);
    return;
  }
  if (connection->has_output()) table_->MarkDirty(connection);
  if (connection->drained_wanted &&
      connection->output.byte_count() <= handler_->connection_config().output_low_bytes) {
    connection->drained_wanted = false;
    handler_->OnOutputDrained(connection);
  }
  if (connection->state == ConnectionState::kFlushing && !connection->has_output()) {
    FinishFlush(connection);
  }
}

// --- the end ---

template <class I, class H>
void ConnectionDriver<I, H>::FinishEnding(Connection* connection) {
  if (connection->dialled && table_->IsDialling(*connection)) {
    FailEndedDial(connection);
    return;
  }
  handler_->OnEnding(connection);
  table_->DropInput(connection);
  if (connection->close_reason == CloseReason::kPeerReset) {
    CloseNow(connection);
    return;
  }
  if (connection->tls != nullptr && connection->tls->state() != TlsState::kOpen) {
    connection->output.Clear(table_->buffers_);  // nothing can be said to the peer but an alert
  } else if (connection->close_code != ErrorCode::kNone) {
    table_->AppendFrame(connection, Error{connection->close_code});
  }
  connection->state = ConnectionState::kFlushing;
  SetTimer(connection, kLingerMs);
  if (connection->output.empty()) FinishFlush(connection);
}

template <class I, class H>
void ConnectionDriver<I, H>::FinishFlush(Connection* connection) {
  if (connection->tls != nullptr) {
    connection->tls->Finish();
    if (!connection->tls->quiet()) {
      table_->MarkDirty(connection);
      return;  // and comes back when that has been sent
    }
  }
  if (connection->peer_finished) {
    CloseNow(connection);
    return;
  }
  connection->state = ConnectionState::kLingering;
  io_->ShutdownWrite(connection->socket);
  if (!connection->receiving) StartReceive(connection);
}

template <class I, class H>
void ConnectionDriver<I, H>::CloseNow(Connection* connection) {
  connection->state = ConnectionState::kClosed;
  table_->timers_.Cancel(connection->socket.index);
  io_->Close(connection->socket);
}

template <class I, class H>
void ConnectionDriver<I, H>::OnClosed(SocketId socket) {
  Connection* connection = table_->Get(socket);
  if (connection == nullptr) return;
  handler_->OnFreed(connection);
  table_->Free(connection);
}

// --- the loop ---

template <class I, class H>
template <class Moved>
void ConnectionDriver<I, H>::RunMoves(Moved&& moved) {
  size_t kept = 0;
  for (size_t i = 0; i < table_->moving_.size(); ++i) {
    const uint32_t index = table_->moving_[i];
    Connection* connection = &table_->At(index);
    if (connection->state != ConnectionState::kMoving) continue;  // it ended meanwhile
    const bool quiet = !connection->receiving && !connection->has_output();
    if (quiet) {
      moved(connection, [this, connection] { return io_->Release(connection->socket); });
      handler_->OnFreed(connection);
      table_->Free(connection);
      continue;
    }
    table_->moving_[kept++] = index;
  }
  table_->moving_.resize(kept);
}

template <class I, class H>
void ConnectionDriver<I, H>::RunTimers() {
  table_->timers_.Advance(io_->NowNs(), [this](uint32_t index) { OnTimer(&table_->At(index)); });
}

template <class I, class H>
void ConnectionDriver<I, H>::OnTimer(Connection* connection) {
  switch (connection->state) {
    case ConnectionState::kDialling:
      FailDial(connection, DialStep::kConnect, "no answer in time");
      break;
    case ConnectionState::kLogin:
    case ConnectionState::kMoving:
      table_->End(connection, CloseReason::kLoginTimeout);
      break;
    case ConnectionState::kOpen: {
      if (connection->drained_wanted) handler_->OnHoldExpired(connection);
      if (connection->since_ms == 0) break;
      const uint64_t acked = io_->AckedBytes(connection->socket);
      const uint64_t limit_ms = handler_->connection_config().output_stall_timeout_ms;
      if (acked != connection->stall_acked) {
        connection->stall_acked = acked;
        connection->since_ms = NowMs() | 1;
      }
      const auto stalled = static_cast<int32_t>(NowMs() - connection->since_ms);
      const auto stalled_ms = static_cast<uint64_t>(std::max(stalled, 0));
      if (stalled_ms >= limit_ms) {
        table_->End(connection, CloseReason::kTooSlow, ErrorCode::kTooSlow);
        break;
      }
      SetTimer(connection, limit_ms - std::min(stalled_ms, limit_ms));
      break;
    }
    case ConnectionState::kFlushing:
    case ConnectionState::kLingering:
      CloseNow(connection);
      break;
    case ConnectionState::kEnding:
    case ConnectionState::kClosed:
    case ConnectionState::kFree:
      break;
  }
}

template <class I, class H>
void ConnectionDriver<I, H>::Flush() {
  // Those resumed in this pass may be held and resumed again: they wait for the next turn.
  work_.swap(table_->resumed_);
  for (uint32_t index : work_) {
    Connection* connection = &table_->At(index);
    connection->resume_queued = false;
    if (connection->live() && connection->holds == 0) Resume(connection);
  }
  work_.clear();

  work_.swap(table_->ending_);
  for (uint32_t index : work_) {
    Connection* connection = &table_->At(index);
    if (connection->state == ConnectionState::kEnding) FinishEnding(connection);
  }
  work_.clear();

  StartDials();

  // Sends of the last turn that are still under way: their readers are slow, and are watched.
  for (uint32_t index : sent_) {
    Connection* connection = &table_->At(index);
    if (connection->state != ConnectionState::kOpen || !connection->sending() ||
        connection->since_ms != 0) {
      continue;
    }
    connection->since_ms = NowMs() | 1;
    connection->stall_acked = io_->AckedBytes(connection->socket);
    if (!table_->timers_.IsSet(index)) {
      SetTimer(connection, handler_->connection_config().output_stall_timeout_ms);
    }
  }
  sent_.clear();

  work_.swap(table_->dirty_);
  for (uint32_t index : work_) {
    Connection* connection = &table_->At(index);
    connection->dirty = false;
    if (connection->state != ConnectionState::kFree) FlushOutput(connection);
  }
  work_.clear();
}

}  // namespace solec
