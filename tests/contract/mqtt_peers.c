#include "contract/mqtt_peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void need(bool condition, const char *what) {
    if (!condition) {
        (void)fprintf(stderr, "a test's MQTT peer cannot %s\n", what);
        abort();
    }
}

static struct sockaddr_in loopback(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int connect_to(unsigned port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    need(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    return fd;
}

/* ---- packets ---- */

static void send_all(int fd, const void *data, size_t size) {
    const char *at = data;

    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the answer that does not come says so */
        at += sent;
        size -= (size_t)sent;
    }
}

static bool receive_all(int fd, void *data, size_t size) {
    char *at = data;

    while (size > 0) {
        ssize_t got = recv(fd, at, size, 0);

        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* One packet; its first byte, or -1 at the end. */
static int receive_packet(int fd, unsigned char *body, size_t capacity, size_t *size) {
    unsigned char first, byte;
    size_t length = 0;
    unsigned shift = 0;

    if (!receive_all(fd, &first, 1))
        return -1;
    do {
        if (!receive_all(fd, &byte, 1))
            return -1;
        length |= (size_t)(byte & 127u) << shift;
        shift += 7;
    } while (byte & 128u);
    if (length > capacity || !receive_all(fd, body, length))
        return -1;
    *size = length;
    return first;
}

static void send_packet(int fd, unsigned char first, const unsigned char *body, size_t size) {
    unsigned char header[2] = {first, (unsigned char)size};

    need(size < 128, "send a packet of 128 bytes or more");
    send_all(fd, header, sizeof header);
    send_all(fd, body, size);
}

static size_t put_text(unsigned char *at, const char *text) {
    size_t size = strlen(text);

    at[0] = (unsigned char)(size >> 8);
    at[1] = (unsigned char)size;
    memcpy(at + 2, text, size);
    return size + 2;
}

/* ---- the line ---- */

static void pump(int from, int to) {
    char bytes[4096];
    ssize_t size;

    while ((size = recv(from, bytes, sizeof bytes, 0)) > 0)
        if (send(to, bytes, (size_t)size, MSG_NOSIGNAL) != size)
            break;
    (void)shutdown(from, SHUT_RDWR);
    (void)shutdown(to, SHUT_RDWR);
}

static void *pump_back(void *context) {
    const int *ends = context;

    pump(ends[1], ends[0]);
    return NULL;
}

static void set_ends(struct peer_line *line, int client, int broker) {
    pthread_mutex_lock(&line->lock);
    line->ends[0] = client;
    line->ends[1] = broker;
    if (line->closing && client >= 0)
        (void)shutdown(client, SHUT_RDWR);
    pthread_mutex_unlock(&line->lock);
}

static void *run_line(void *context) {
    struct peer_line *line = context;
    int client;

    while ((client = accept(line->listener, NULL, NULL)) >= 0) {
        int broker = connect_to(line->broker_port);
        pthread_t back;

        set_ends(line, client, broker);
        need(pthread_create(&back, NULL, pump_back, line->ends) == 0, "start a thread");
        pump(client, broker);
        (void)pthread_join(back, NULL);
        set_ends(line, -1, -1);
        (void)close(client);
        (void)close(broker);
    }
    return NULL;
}

/* ---- the scripted broker ---- */

static bool answer_connect(struct peer_broker *broker, int fd, unsigned version) {
    static const unsigned char accepted[3] = {0, 0, 0};

    if (version == 5 && !broker->takes_5 && !broker->disputes && !broker->resetting) {
        broker->fives++;
        if (broker->refusal_size > 0)
            send_packet(fd, 0x20, broker->refusal, broker->refusal_size);
        return false;
    }
    if (version == 4)
        broker->fours++;
    send_packet(fd, 0x20, accepted, version == 5 ? 3 : 2);
    return true;
}

static void answer_subscribe(const struct peer_broker *broker, int fd, const unsigned char *body) {
    static const unsigned char malformed[2] = {0x81, 0};
    unsigned char granted[5] = {body[0], body[1], 1, 1, 0};

    if (broker->disputes && broker->cleans == 0) {
        send_packet(fd, 0xe0, malformed, sizeof malformed);
        return;
    }

    if (broker->disputes || broker->resetting)
        granted[2] = 0;
    if (broker->takes_5) {
        granted[2] = 0;    /* no properties */
        granted[4] = 0x87; /* not authorised */
    }
    send_packet(fd, 0x90, granted, broker->takes_5 || broker->disputes || broker->resetting ? 5 : 4);
}

/* A PUBLISH at QoS 1 without properties. False: the connection is to end with a reset. */
static bool answer_publish(struct peer_broker *broker, int fd, const unsigned char *body, size_t size) {
    size_t topic = (size_t)(body[0] << 8 | body[1]), at = 2 + topic;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    unsigned char id[2];

    need(at + 3 <= size, "read a PUBLISH");
    memcpy(id, body + at, sizeof id);
    broker->published++;
    for (at += 3; at < size; at++)
        if (body[at] != PEER_LETTER) {
            broker->garbled++;
            break;
        }
    if (broker->resets > 0) {
        broker->resets--;
        need(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "reset a connection");
        return false;
    }
    send_packet(fd, 0x40, id, sizeof id);
    return true;
}

static void serve(struct peer_broker *broker, int fd) {
    unsigned char body[512];
    size_t size;
    int first;

    while ((first = receive_packet(fd, body, sizeof body, &size)) >= 0) {
        if ((first & 0xf0) == 0x10 && body[6] == 5 && (body[7] & 2) != 0)
            broker->cleans++;
        if ((first & 0xf0) == 0x10 && !answer_connect(broker, fd, body[6]))
            return;
        if ((first & 0xf0) == 0x80)
            answer_subscribe(broker, fd, body);
        if ((first & 0xf0) == 0x30 && !answer_publish(broker, fd, body, size))
            return;
        if ((first & 0xf0) == 0xe0)
            return;
    }
}

static void *run_broker(void *context) {
    struct peer_broker *broker = context;
    int fd;

    while ((fd = accept(broker->listener, NULL, NULL)) >= 0) {
        serve(broker, fd);
        (void)close(fd);
    }
    return NULL;
}

/* ---- for the tests ---- */

int peer_listen(unsigned *port) {
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    need(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0 &&
             getsockname(fd, (struct sockaddr *)&address, &size) == 0,
         "listen");
    *port = ntohs(address.sin_port);
    return fd;
}

void peer_publish(unsigned broker_port, const char *id, const char *topic, const char *payload,
                  const char *response_topic, const char *correlation) {
    unsigned char body[128] = {0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 0};
    size_t size = 11, properties;
    int fd = connect_to(broker_port);

    size += put_text(body + size, id);
    send_packet(fd, 0x10, body, size);
    need(receive_packet(fd, body, sizeof body, &size) == 0x20 && body[1] == 0, "log in");
    size = put_text(body, topic);
    body[size++] = 0;
    body[size++] = 1;
    properties = size++;
    if (response_topic != NULL) {
        body[size++] = 8;
        size += put_text(body + size, response_topic);
    }
    if (correlation != NULL) {
        body[size++] = 9;
        size += put_text(body + size, correlation);
    }
    body[properties] = (unsigned char)(size - properties - 1);
    memcpy(body + size, payload, strlen(payload));
    send_packet(fd, 0x32, body, size + strlen(payload));
    need(receive_packet(fd, body, sizeof body, &size) == 0x40, "publish");
    (void)close(fd);
}

void peer_line_open(struct peer_line *line, unsigned broker_port) {
    memset(line, 0, sizeof *line);
    line->ends[0] = line->ends[1] = -1;
    line->broker_port = broker_port;
    line->listener = peer_listen(&line->port);
    need(pthread_mutex_init(&line->lock, NULL) == 0, "make a lock");
    need(pthread_create(&line->thread, NULL, run_line, line) == 0, "start a thread");
}

void peer_line_cut(struct peer_line *line) {
    pthread_mutex_lock(&line->lock);
    if (line->ends[0] >= 0)
        (void)shutdown(line->ends[0], SHUT_RDWR);
    pthread_mutex_unlock(&line->lock);
}

void peer_line_close(struct peer_line *line) {
    pthread_mutex_lock(&line->lock);
    line->closing = true;
    pthread_mutex_unlock(&line->lock);
    (void)shutdown(line->listener, SHUT_RDWR);
    peer_line_cut(line);
    (void)pthread_join(line->thread, NULL);
    (void)close(line->listener);
    (void)pthread_mutex_destroy(&line->lock);
}

void peer_broker_start(struct peer_broker *broker) {
    broker->listener = peer_listen(&broker->port);
    need(pthread_create(&broker->thread, NULL, run_broker, broker) == 0, "start a thread");
}

void peer_broker_stop(struct peer_broker *broker) {
    (void)shutdown(broker->listener, SHUT_RDWR);
    (void)pthread_join(broker->thread, NULL);
    (void)close(broker->listener);
}
