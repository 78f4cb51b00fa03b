#pragma once
#include <stddef.h>
#include <stdint.h>

// The socket calls of the event loop. Those that fail return -errno, and none of them is broken off by a signal.

/// Where the other end of an accepted connection is.
enum assay_peer { ASSAY_PEER_UNIX = 0, ASSAY_PEER_LOOPBACK = 1, ASSAY_PEER_NETWORK = 2 };

/// Accepts one connection: non-blocking, closed on exec, without Nagle's delay on TCP. Returns its descriptor and tells
/// in `peer` (enum assay_peer) where it comes from.
int assay_accept(int listener, int *peer);

/// Reads what there is, up to `capacity` bytes. Returns the count; 0 when the peer has finished sending.
ptrdiff_t assay_receive(int descriptor, void *bytes, size_t capacity);

/// Writes what the socket takes. Returns the count. A broken connection is an error, never a SIGPIPE.
ptrdiff_t assay_send(int descriptor, const void *bytes, size_t count);

/// Tells the peer that nothing more will be sent.
int assay_shutdown_send(int descriptor);

/// A listening TCP socket on `address` (of getaddrinfo), non-blocking, closed on exec. An IPv6 wildcard takes IPv4, too.
struct addrinfo;
int assay_listen_tcp(const struct addrinfo *address, int backlog);

/// The port a TCP socket is bound to.
int assay_bound_port(int descriptor);

/// The longest path of a Unix socket, in bytes.
size_t assay_unix_path_max(void);

/// A listening Unix stream socket at `path`, which does not exist yet and gets the mode 0660 before anybody can connect.
int assay_listen_unix(const char *path, int backlog);

/// Connects to the Unix socket at `path`, without waiting. Returns the descriptor.
int assay_connect_unix(const char *path);

/// Bytes that a socket has received and nobody has read; 0 when that can't be told.
size_t assay_unread_count(int descriptor);
