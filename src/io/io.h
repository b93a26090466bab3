// The seam between the server and the kernel: what connections and shards need from I/O, as a
// C++20 concept. Production gives them UringIo (one ring of one thread), tests give them SimIo (a
// seeded network in memory). Everything here is called on the thread that calls Turn(), and events
// arrive only inside Turn().
//
// Rules that both sides keep:
// - A socket is named by SocketId: a dense index (tables beside the I/O may use it as their own),
//   and a generation, so that a late completion for a closed socket is recognised and dropped.
// - At most one Receive and one Send are under way on a socket at any time. UringIo asserts it.
// - Bytes given to Send stay untouched until OnSent. Bytes given to OnReceive live for that call.
// - Close may be called at any time and once; the operations still under way end on their own, and
//   OnClosed is the last event of that SocketId. Its index may be used again right after.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/socket_id.h"
#include "io/net_address.h"

namespace solec {

// kOnce: the next bytes that arrive (kReceiveOnceBytesMax), as one OnReceive, then
// OnReceiveEnd(kDone). An idle socket that waits holds no buffer. kStream: OnReceive again and
// again, until StopReceive or the end.
enum class ReceiveMode : uint8_t { kOnce, kStream };

enum class ReceiveEnd : uint8_t {
  kDone,     // kOnce delivered its bytes
  kStopped,  // StopReceive was carried out; every byte that arrived before it has been delivered
  kEof,      // the peer finished sending
  kError,    // the connection broke; `error` is the errno
};

inline constexpr uint64_t kNoDeadline = UINT64_MAX;
inline constexpr size_t kIoSlicesMax = 64;  // slices of one Send
inline constexpr size_t kReceiveOnceBytesMax = 16 * 1024;  // of one ReceiveMode::kOnce

// What the user of an I/O implements.
template <class H>
concept IoHandler = requires(H handler, uint32_t listener, SocketId socket, Bytes bytes,
                             ReceiveEnd end, int error, int64_t result) {
  // A connection came in. `listener` is the number that Listen was given.
  handler.OnAccept(listener, socket);
  // A Connect is over: 0, and the socket is connected, or an errno; then it is still to be closed.
  // Not called for a socket that was closed meanwhile.
  handler.OnConnected(socket, error);
  handler.OnReceive(socket, bytes);
  // The Receive is over; another may be started, from within this call too. Running out of receive
  // buffers is not an end: the I/O waits for buffers and goes on by itself (and counts it).
  handler.OnReceiveEnd(socket, end, error);
  // The Send is over: `result` bytes left (all of them, short only before an error or a Close), or
  // a negative errno.
  handler.OnSent(socket, result);
  handler.OnClosed(socket);
};

template <class T>
concept Io = requires(T io, SocketId socket, ReceiveMode mode, std::span<const Bytes> slices,
                      uint64_t deadline_ns, uint32_t shard, const NetAddress& address,
                      typename T::NativeHandle handle) {
  // Takes in a connected socket that another shard let go of.
  { io.Adopt(handle) } -> std::same_as<SocketId>;
  // Lets go of a socket on which nothing is under way; no OnClosed follows.
  { io.Release(socket) } -> std::same_as<typename T::NativeHandle>;
  // Begins to dial. Nothing else but Close may be asked of the socket before OnConnected.
  { io.Connect(address) } -> std::same_as<SocketId>;
  io.Receive(socket, mode);
  // Ends a Receive: OnReceiveEnd follows, after any bytes that had arrived. Harmless if none is
  // under way.
  io.StopReceive(socket);
  // 1 to kIoSlicesMax slices, none empty. The array of slices may go when the call returns.
  io.Send(socket, slices);
  // No more will be sent; the peer sees the end after the bytes already sent.
  io.ShutdownWrite(socket);
  io.Close(socket);
  // Turn returns when this time (of NowNs) has come; kNoDeadline: only for events. One timer.
  io.SetTimer(deadline_ns);
  // Makes that shard's Turn return if it sleeps. Any number of calls before it wakes are as one.
  io.Wake(shard);
  // Steady clock, nanoseconds, read once per Turn.
  { io.NowNs() } -> std::same_as<uint64_t>;
  // A socket's peer as text ("127.0.0.1:5000"), for logs and status pages; off the message path.
  { io.PeerText(socket) } -> std::convertible_to<std::string>;
  // Bytes that the peer's side of the network has acknowledged since the connection began; for
  // telling a slow reader from one that takes nothing. Off the message path.
  { io.AckedBytes(socket) } -> std::same_as<uint64_t>;
  // Bytes that were handed to the network and that the peer's side has not acknowledged: they may
  // still be lost, and all before them has arrived. A system call: not for every message.
  { io.UnackedBytes(socket) } -> std::same_as<uint64_t>;
  // And: template <IoHandler H> bool Turn(H& handler, bool may_sleep)
  // submits all that was asked for since the last Turn, waits for at least one event if
  // `may_sleep`, and hands all that happened to `handler`; false if nothing did.
};

}  // namespace solec
