/* Peers for the MQTT tests that speak by raw sockets: a publisher, a line that can
 * be cut, and a scripted broker for what a healthy one does not do. Each runs on a
 * thread of its own, where cmocka's assertions do not work: they abort instead. */
#ifndef XD_TESTS_MQTT_PEERS_H
#define XD_TESTS_MQTT_PEERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A listener on a free port of loopback. */
int peer_listen(unsigned *port);

/* Connects by MQTT 5 as id, publishes one QoS 1 message and waits for its PUBACK.
 * NULL: without that property. Everything together stays below 128 bytes. */
void peer_publish(unsigned broker_port, const char *id, const char *topic, const char *payload,
                  const char *response_topic, const char *correlation);

/* One connection at a time between port and a broker. */
struct peer_line {
    int listener, ends[2];
    unsigned port, broker_port;
    bool closing;
    pthread_mutex_t lock;
    pthread_t thread;
};

void peer_line_open(struct peer_line *line, unsigned broker_port);
void peer_line_cut(struct peer_line *line);
void peer_line_close(struct peer_line *line);

#define PEER_LETTER 'm'

/* A broker by script. The caller fills in the first members. */
struct peer_broker {
    unsigned char refusal[8]; /* version 5 is met with this CONNACK */
    size_t refusal_size;      /* 0: the connection is closed without one */
    bool takes_5;             /* version 5 is accepted, and every subscription but the first refused */
    bool disputes;            /* version 5 is accepted; SUBSCRIBE is called malformed until a clean start */
    bool resetting;           /* version 5 is granted all, and the next `resets` connections are ... */
    unsigned resets;          /* ... reset at their first PUBLISH */
    int listener;
    unsigned port;
    unsigned published, garbled; /* with resets: PUBLISHs seen, and those that are not of PEER_LETTER alone */
    unsigned cleans;       /* CONNECTs of version 5 with clean start; with disputes they are granted all */
    unsigned fives, fours; /* CONNECTs seen, by version; to be read after the stop */
    pthread_t thread;
};

void peer_broker_start(struct peer_broker *broker);
void peer_broker_stop(struct peer_broker *broker);

#endif
