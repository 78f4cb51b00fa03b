#define _GNU_SOURCE
#include "assay_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_loopback(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6)) return v6->s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(v6);
}

int assay_accept(int listener, int *peer) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int descriptor;
    do descriptor = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6) {
        *peer = ASSAY_PEER_UNIX;
        return descriptor;
    }
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *peer = is_loopback(&address) ? ASSAY_PEER_LOOPBACK : ASSAY_PEER_NETWORK;
    return descriptor;
}

ptrdiff_t assay_receive(int descriptor, void *bytes, size_t capacity) {
    ssize_t count;
    do count = recv(descriptor, bytes, capacity, MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

size_t assay_unread_count(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 && count > 0 ? (size_t)count : 0;
}

ptrdiff_t assay_send(int descriptor, const void *bytes, size_t count) {
    ssize_t sent;
    do sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int assay_shutdown_send(int descriptor) { return shutdown(descriptor, SHUT_WR) == 0 ? 0 : -errno; }

// Closes what was opened and hands the error of the failed call on.
static int abandon(int descriptor) {
    int code = errno;
    close(descriptor);
    return -code;
}

int assay_listen_tcp(const struct addrinfo *address, int backlog) {
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int on = 1, off = 0;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(descriptor, address->ai_addr, address->ai_addrlen) < 0) return abandon(descriptor);
    if (listen(descriptor, backlog) < 0) return abandon(descriptor);
    return descriptor;
}

int assay_bound_port(int descriptor) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) return -errno;
    // The port lies at the same place for both families.
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

size_t assay_unix_path_max(void) { return sizeof((struct sockaddr_un *)0)->sun_path - 1; }

static int unix_socket(const char *path, struct sockaddr_un *address) {
    if (strlen(path) > assay_unix_path_max()) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int assay_listen_unix(const char *path, int backlog) {
    struct sockaddr_un address;
    int descriptor = unix_socket(path, &address);
    if (descriptor < 0) return descriptor;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return abandon(descriptor);
    if (chmod(path, 0660) < 0) return abandon(descriptor);
    if (listen(descriptor, backlog) < 0) return abandon(descriptor);
    return descriptor;
}

int assay_connect_unix(const char *path) {
    struct sockaddr_un address;
    int descriptor = unix_socket(path, &address);
    if (descriptor < 0) return descriptor;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return abandon(descriptor);
    return descriptor;
}
