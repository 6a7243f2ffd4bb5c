/* bench_orders PORT TOKEN FIRST COUNT CLIENTS SITE PRODUCTS CUSTOMERS: orders of five lines over HTTP.
 *
 * Orders FIRST..FIRST+COUNT-1, each with a number and an Idempotency-Key of its own, over CLIENTS connections
 * that stay open and have one request on the way each. One thread and epoll, and hardly more than a copy for
 * an order: the generator shares the machine with what it measures. Every answer must be 202.
 *
 * One line: orders/s, and microseconds that 50 % and 99 % of the answers took, and the slowest one. */
#include "bench/site_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 256
#define LINES 5
#define BODY_SIZE 2048
#define REQUEST_SIZE 4096
#define ANSWER_SIZE 8192

struct client {
    int socket;
    double since;
    size_t size; /* of the answer, so far */
    char answer[ANSWER_SIZE];
};

struct load {
    const char *token, *site;
    unsigned long first, count, sent, answered, products, customers;
    double *latencies;
};

static size_t write_body(const struct load *load, unsigned long number, char out[BODY_SIZE]) {
    int size = snprintf(
        out, BODY_SIZE,
        "{\"external_order_id\":\"B-%08lu\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"
        "\"customer\":{\"external_ref\":\"CUST-%04lu\"},\"currency\":\"EUR\",\"preferred_site\":\"%s\","
        "\"parties\":{\"ship_to\":{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\"],"
        "\"city\":\"Leeds\",\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}},\"lines\":[",
        number, number % load->customers, load->site);
    for (unsigned long line = 0; line < LINES; line++) {
        size +=
            snprintf(out + size, BODY_SIZE - (size_t)size,
                     "%s{\"external_line_id\":\"%lu\",\"sku\":\"SKU-%05lu\",\"qty\":\"%lu\",\"uom\":\"EA\","
                     "\"unit_price\":\"9.95\"}",
                     line > 0 ? "," : "", line + 1, (number * LINES + line) % load->products, line + 1);
    }
    size += snprintf(out + size, BODY_SIZE - (size_t)size, "]}");
    return (size_t)size;
}

/* The next order; none is left: the client rests. */
static void ask(struct load *load, struct client *client) {
    char body[BODY_SIZE], text[REQUEST_SIZE];
    if (load->sent == load->count) {
        return;
    }
    unsigned long number = load->first + load->sent++;
    size_t body_size = write_body(load, number, body);
    int size = snprintf(text, sizeof text,
                        "POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nIdempotency-Key: \"B-%08lu\"\r\n"
                        "Content-Length: %zu\r\n\r\n%.*s",
                        load->token, number, body_size, (int)body_size, body);
    client->size = 0;
    client->since = bench_seconds();
    if (send(client->socket, text, (size_t)size, MSG_NOSIGNAL) != size) {
        bench_die("send", strerror(errno));
    }
}

/* Whether the whole answer is there. */
static bool is_complete(struct client *client) {
    client->answer[client->size] = '\0';
    const char *end = strstr(client->answer, "\r\n\r\n");
    const char *length = end != NULL ? strcasestr(client->answer, "\r\nContent-Length:") : NULL;
    if (end != NULL && length == NULL) {
        bench_die("an answer has no length", client->answer);
    }
    return end != NULL && client->size >= (size_t)(end + 4 - client->answer) +
                                              strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10);
}

static void hear(struct load *load, struct client *client) {
    ssize_t got = recv(client->socket, client->answer + client->size, ANSWER_SIZE - 1 - client->size, 0);
    if (got <= 0) {
        bench_die("a connection ended", got < 0 ? strerror(errno) : client->answer);
    }
    client->size += (size_t)got;
    if (!is_complete(client)) {
        return;
    }
    if (strncmp(client->answer, "HTTP/1.1 202 ", 13) != 0) {
        bench_die("an order was not taken", client->answer);
    }
    load->latencies[load->answered++] = bench_seconds() - client->since;
    ask(load, client);
}

static void dial(struct client *client, unsigned port, int poll) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    int yes = 1;
    client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->socket < 0 || connect(client->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        bench_die("connect", strerror(errno));
    }
    (void)setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, client->socket, &event) != 0) {
        bench_die("epoll", strerror(errno));
    }
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void run(struct load *load, size_t clients, unsigned port) {
    static struct client all[CLIENTS_MAX];
    struct epoll_event events[CLIENTS_MAX];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t index = 0; index < clients; index++) {
        dial(&all[index], port, poll);
    }
    double start = bench_seconds();
    for (size_t index = 0; index < clients; index++) {
        ask(load, &all[index]);
    }
    while (load->answered < load->count) {
        int count = epoll_wait(poll, events, CLIENTS_MAX, 30000);
        if (count <= 0) {
            bench_die("the server", count == 0 ? "has not answered for 30 s" : strerror(errno));
        }
        for (int index = 0; index < count; index++) {
            hear(load, events[index].data.ptr);
        }
    }
    double seconds = bench_seconds() - start;
    qsort(load->latencies, load->count, sizeof *load->latencies, compare);
    (void)printf("%.1f %.0f %.0f %.0f\n", (double)load->count / seconds,
                 load->latencies[load->count / 2] * 1e6, load->latencies[load->count * 99 / 100] * 1e6,
                 load->latencies[load->count - 1] * 1e6);
}

int main(int count, char **texts) {
    if (count != 9) {
        bench_die("bench_orders", "PORT TOKEN FIRST COUNT CLIENTS SITE PRODUCTS CUSTOMERS");
    }
    struct load load = {.token = texts[2],
                        .site = texts[6],
                        .first = strtoul(texts[3], NULL, 10),
                        .count = strtoul(texts[4], NULL, 10),
                        .products = strtoul(texts[7], NULL, 10),
                        .customers = strtoul(texts[8], NULL, 10)};
    size_t clients = strtoul(texts[5], NULL, 10);
    if (load.count == 0 || clients == 0 || clients > CLIENTS_MAX || load.products == 0 ||
        load.customers == 0) {
        bench_die("bench_orders", "COUNT, PRODUCTS and CUSTOMERS are at least 1, CLIENTS 1 to 256");
    }
    load.latencies = calloc(load.count, sizeof *load.latencies);
    if (load.latencies == NULL) {
        bench_die("bench_orders", "no memory");
    }
    run(&load, clients, (unsigned)strtoul(texts[1], NULL, 10));
    free(load.latencies);
    return EXIT_SUCCESS;
}
