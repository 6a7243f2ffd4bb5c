/* Both ends of a drain, other than ours.
 *
 * bench_line publish PORT VHOST USER PASSWORD SITE COUNT BODY_FILE
 *     The reference: COUNT messages by rabbitmq-c alone, as its manual shows it:
 *     confirms, at most 512 outstanding, and on the wire what the agent sends, down
 *     to the headers. The body is a document that the agent sent.
 *
 * bench_line hub PORT VHOST USER PASSWORD SITE KID KEY FIRST LAST PID BODY_FILE
 *     A stand-in for the hub: welcomes the site, takes documents without looking
 *     into them, acknowledges the broker and, every 256, the site; the same for
 *     both publishers. Keeps one body in BODY_FILE ("-": none). When document LAST
 *     has come prints the seconds since document FIRST, and the seconds of CPU that
 *     process PID (0: none) used meanwhile. */
#include "bench/site_rig.h"

#include "base/crypto.h"
#include "base/json.h"
#include "documents/envelope.h"
#include "posix/runtime/world.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 512u
#define BURST 64u
#define ACK_BROKER 128u
#define ACK_SITE 256u

static void check(int status, const char *what) {
    if (status != AMQP_STATUS_OK) {
        bench_die(what, amqp_error_string2(status));
    }
}

static void check_reply(amqp_connection_state_t state, const char *what) {
    if (amqp_get_rpc_reply(state).reply_type != AMQP_RESPONSE_NORMAL) {
        bench_die(what, "refused");
    }
}

/* texts: port, vhost, user, password */
static amqp_connection_state_t connect_to(char **texts) {
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(state);
    if (socket == NULL) {
        bench_die("the broker", "no memory");
    }
    check(amqp_socket_open(socket, "127.0.0.1", atoi(texts[0])), "connecting");
    if (amqp_login(state, texts[1], 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, texts[2], texts[3]).reply_type !=
        AMQP_RESPONSE_NORMAL) {
        bench_die("login", texts[2]);
    }
    (void)amqp_channel_open(state, 1);
    check_reply(state, "the channel");
    return state;
}

/* ---- the reference ---- */

struct publisher {
    amqp_connection_state_t state;
    const char *exchange, *site, *user;
    amqp_bytes_t body;
    uint64_t sent, settled; /* delivery tags: settled is the highest with all below it */
    bool done[2 * WINDOW];
};

static void publish_one(struct publisher *publisher) {
    amqp_table_entry_t entries[2];
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_USER_ID_FLAG | AMQP_BASIC_HEADERS_FLAG,
        .delivery_mode = 2,
        .content_type = amqp_cstring_bytes("application/cloudevents+json"),
        .message_id = amqp_cstring_bytes("0123456789abcdef0123456789abcdef"),
        .user_id = amqp_cstring_bytes(publisher->user),
        .headers = {2, entries}};
    entries[0].key = amqp_cstring_bytes("crossdock-signature");
    entries[0].value.kind = AMQP_FIELD_KIND_UTF8;
    entries[0].value.value.bytes =
        amqp_cstring_bytes("v1;kid=k1;mac=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    entries[1].key = amqp_cstring_bytes("publish-sequence");
    entries[1].value.kind = AMQP_FIELD_KIND_I64;
    entries[1].value.value.i64 = (int64_t)++publisher->sent;
    publisher->done[publisher->sent % (2 * WINDOW)] = false;
    check(amqp_basic_publish(publisher->state, 1, amqp_cstring_bytes(publisher->exchange),
                             amqp_cstring_bytes(publisher->site), 1, 0, &properties, publisher->body),
          "publishing");
}

static void confirmed(struct publisher *publisher, const amqp_basic_ack_t *ack) {
    for (uint64_t tag = ack->multiple ? publisher->settled + 1 : ack->delivery_tag; tag <= ack->delivery_tag;
         tag++) {
        publisher->done[tag % (2 * WINDOW)] = true;
    }
    while (publisher->settled < publisher->sent && publisher->done[(publisher->settled + 1) % (2 * WINDOW)]) {
        publisher->settled++;
    }
}

/* All frames that are there; waits for one when wait says so. */
static void read_confirms(struct publisher *publisher, bool wait) {
    static const struct timeval none = {0, 0};
    for (;;) {
        amqp_frame_t frame;
        int status = amqp_simple_wait_frame_noblock(publisher->state, &frame, wait ? NULL : &none);
        if (status == AMQP_STATUS_TIMEOUT) {
            return;
        }
        check(status, "reading");
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
            bench_die("reading", "something else than a confirm came");
        }
        confirmed(publisher, frame.payload.method.decoded);
        amqp_maybe_release_buffers(publisher->state);
        wait = false;
    }
}

static amqp_bytes_t read_body(const char *path) {
    static char bytes[65536];
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (size == 0 || fclose(file) != 0) {
        bench_die(path, "cannot be read");
    }
    return (amqp_bytes_t){size, bytes};
}

static int publish(char **texts) {
    char exchange[64];
    (void)snprintf(exchange, sizeof exchange, "crossdock.up.%s", texts[4]);
    static struct publisher publisher;
    publisher = (struct publisher){.state = connect_to(texts),
                                   .exchange = exchange,
                                   .site = texts[4],
                                   .user = texts[2],
                                   .body = read_body(texts[6])};
    uint64_t count = strtoull(texts[5], NULL, 10);
    (void)amqp_confirm_select(publisher.state, 1);
    check_reply(publisher.state, "confirms");
    double start = bench_seconds();
    while (publisher.settled < count) {
        for (unsigned burst = 0;
             burst < BURST && publisher.sent < count && publisher.sent - publisher.settled < WINDOW;
             burst++) {
            publish_one(&publisher);
        }
        read_confirms(&publisher, publisher.sent == count || publisher.sent - publisher.settled >= WINDOW);
    }
    (void)printf("%.3f\n", bench_seconds() - start);
    (void)amqp_destroy_connection(publisher.state);
    return EXIT_SUCCESS;
}

/* ---- the stand-in ---- */

#define EPOCH_SIZE 40

struct hub {
    amqp_connection_state_t state;
    const char *site, *user, *pid, *body_file;
    struct xd_key key;
    uint64_t first, last, documents, unacked, fresh;
    char epochs[2][EPOCH_SIZE], sequence[24], chain[XD_HASH_TEXT_SIZE];
    double started, cpu_started;
};

/* Of all threads. */
static double cpu_of(const char *pid) {
    char path[300];
    double sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *threads = strcmp(pid, "0") != 0 ? opendir(path) : NULL;
    for (const struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
        unsigned long long ns = 0;
        (void)snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, entry->d_name);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            sum += fscanf(file, "%llu", &ns) == 1 ? (double)ns / 1e9 : 0;
            (void)fclose(file);
        }
    }
    if (threads != NULL) {
        (void)closedir(threads);
    }
    return sum;
}

static void send_link(struct hub *hub, const char *type, const char *data) {
    char signature[XD_SIGNATURE_SIZE];
    struct xd_buffer body;
    struct xd_envelope envelope = {
        .id = "bench", .source = "/hub", .type = type, .time = xd_world_now().wall, .site = hub->site};
    xd_buffer_init(&body, 0);
    xd_envelope_write(&envelope, xd_bytes_of_text(data), &body);
    struct xd_bytes view = xd_buffer_view(&body);
    xd_sign(&hub->key, view, signature);
    amqp_table_entry_t entry = {
        .key = amqp_cstring_bytes("crossdock-signature"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(signature)}};
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG |
                                                    AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_USER_ID_FLAG |
                                                    AMQP_BASIC_HEADERS_FLAG,
                                          .delivery_mode = 2,
                                          .content_type = amqp_cstring_bytes("application/cloudevents+json"),
                                          .user_id = amqp_cstring_bytes(hub->user),
                                          .headers = {1, &entry}};
    amqp_bytes_t bytes = {view.size, body.data};
    check(amqp_basic_publish(hub->state, 1, amqp_cstring_bytes("crossdock.down"),
                             amqp_cstring_bytes(hub->site), 0, 0, &properties, bytes),
          "publishing");
    xd_buffer_free(&body);
}

/* What this end received: the first lane as far as it came; next: the sequence that
 * the site will give next there, "": not to be told. */
static void write_receive(const struct hub *hub, const char *next, char *out, size_t size) {
    unsigned long long watermark = strtoull(hub->sequence, NULL, 10);
    unsigned long long first = watermark + 1, last = strtoull(next, NULL, 10);
    char missing[64] = "";
    if (last > first) {
        (void)snprintf(missing, sizeof missing, "[\"%llu\",\"%llu\"]", first, last - 1);
    }
    (void)snprintf(
        out, size,
        "\"receive\":[{\"lane\":\"work\",\"epoch\":\"%s\",\"watermark\":\"%llu\",\"chain\":\"%s\","
        "\"missing\":[%s]},"
        "{\"lane\":\"bulk\",\"epoch\":\"%s\",\"watermark\":\"0\",\"chain\":\"%064d\",\"missing\":[]}]",
        hub->epochs[0], watermark, hub->chain, missing, hub->epochs[1], 0);
}

static void acknowledge(struct hub *hub) {
    char receive[600], data[800];
    write_receive(hub, "", receive, sizeof receive);
    (void)snprintf(data, sizeof data, "{%s}", receive);
    send_link(hub, XD_TYPE_ACK, data);
    hub->fresh = 0;
}

static const char *text_of(const cJSON *array, int index, const char *name) {
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItem(index < 0 ? array : cJSON_GetArrayItem(array, index), name));
    if (text == NULL) {
        bench_die("a hello", "cannot be read");
    }
    return text;
}

static void welcome(struct hub *hub, amqp_bytes_t body) {
    char receive[600], data[1200];
    cJSON *tree = cJSON_ParseWithLength(body.bytes, body.len);
    const cJSON *hello = cJSON_GetObjectItem(tree, "data");
    const cJSON *send = cJSON_GetObjectItem(hello, "send");
    for (int lane = 0; lane < 2; lane++) {
        (void)snprintf(hub->epochs[lane], EPOCH_SIZE, "%s", text_of(send, lane, "epoch"));
    }
    write_receive(hub, text_of(send, 0, "next"), receive, sizeof receive);
    (void)snprintf(data, sizeof data,
                   "{\"session\":\"%s\",\"send\":["
                   "{\"lane\":\"work\",\"epoch\":\"00000000000000000000000000000001\",\"next\":\"1\"},"
                   "{\"lane\":\"notice\",\"epoch\":\"00000000000000000000000000000002\",\"next\":\"1\"}],%s}",
                   text_of(hello, -1, "session"), receive);
    send_link(hub, XD_TYPE_WELCOME, data);
    cJSON_Delete(tree);
}

/* The text of a member near the start of the envelope; false: not there. */
static bool member(amqp_bytes_t body, const char *name, char *out, size_t size) {
    char quoted[40];
    size_t head = body.len < 800 ? body.len : 800;
    int length = snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    const char *at = memmem(body.bytes, head, quoted, (size_t)length);
    const char *end = at != NULL ? memchr(at + length, '"', size) : NULL;
    if (end == NULL || (size_t)(end - at - length) >= size) {
        return false;
    }
    memcpy(out, at + length, (size_t)(end - at - length));
    out[end - at - length] = 0;
    return true;
}

static void keep_body(const struct hub *hub, amqp_bytes_t body) {
    FILE *file = strcmp(hub->body_file, "-") != 0 ? fopen(hub->body_file, "wb") : NULL;
    if (file != NULL && (fwrite(body.bytes, 1, body.len, file) != body.len || fclose(file) != 0)) {
        bench_die(hub->body_file, "cannot be written");
    }
}

/* True: that was the last one. */
static bool take(struct hub *hub, amqp_bytes_t body) {
    char type[64] = "";
    (void)member(body, "type", type, sizeof type);
    if (strcmp(type, XD_TYPE_HELLO) == 0) {
        welcome(hub, body);
    }
    if (strcmp(type, XD_TYPE_CONFIRMATION) != 0) {
        return false;
    }
    hub->documents++;
    hub->fresh++;
    if (hub->documents == hub->first) {
        hub->started = bench_seconds();
        hub->cpu_started = cpu_of(hub->pid);
        keep_body(hub, body);
    }
    (void)member(body, "sequence", hub->sequence, sizeof hub->sequence);
    (void)member(body, "chain", hub->chain, sizeof hub->chain);
    if (hub->fresh >= ACK_SITE || hub->documents == hub->last) {
        acknowledge(hub);
    }
    return hub->documents == hub->last;
}

static void acknowledge_broker(struct hub *hub, uint64_t tag) {
    check(amqp_basic_ack(hub->state, 1, tag, 1), "acknowledging");
    hub->unacked = 0;
}

static void consume(struct hub *hub) {
    for (bool ended = false; !ended;) {
        amqp_envelope_t envelope;
        amqp_maybe_release_buffers(hub->state);
        amqp_rpc_reply_t reply = amqp_consume_message(hub->state, &envelope, NULL, 0);
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
            bench_die("consuming", amqp_error_string2(reply.library_error));
        }
        ended = take(hub, envelope.message.body);
        hub->unacked++;
        if (ended || hub->unacked >= ACK_BROKER ||
            (!amqp_data_in_buffer(hub->state) && !amqp_frames_enqueued(hub->state))) {
            acknowledge_broker(hub, envelope.delivery_tag);
        }
        amqp_destroy_envelope(&envelope);
    }
}

static int stand_in(char **texts) {
    static struct hub hub;
    hub = (struct hub){.state = connect_to(texts),
                       .user = texts[2],
                       .site = texts[4],
                       .first = strtoull(texts[7], NULL, 10),
                       .last = strtoull(texts[8], NULL, 10),
                       .pid = texts[9],
                       .body_file = texts[10],
                       .sequence = "0"};
    memset(hub.chain, '0', sizeof hub.chain - 1);
    (void)snprintf(hub.key.kid, sizeof hub.key.kid, "%s", texts[5]);
    if (xd_hex_parse(texts[6], hub.key.secret, sizeof hub.key.secret, &hub.key.secret_size) != XD_OK) {
        bench_die("the key", "is not hex");
    }
    (void)amqp_basic_qos(hub.state, 1, 0, WINDOW, 0);
    check_reply(hub.state, "prefetch");
    (void)amqp_basic_consume(hub.state, 1, amqp_cstring_bytes("crossdock.hub"), amqp_empty_bytes, 0, 0, 0,
                             amqp_empty_table);
    check_reply(hub.state, "consuming");
    consume(&hub);
    (void)printf("%.4f %.4f\n", bench_seconds() - hub.started, cpu_of(hub.pid) - hub.cpu_started);
    (void)amqp_channel_close(hub.state, 1, AMQP_REPLY_SUCCESS); /* after the acknowledgements have arrived */
    (void)amqp_destroy_connection(hub.state);
    return EXIT_SUCCESS;
}

int main(int count, char **texts) {
    if (count == 9 && strcmp(texts[1], "publish") == 0) {
        return publish(texts + 2);
    }
    if (count == 13 && strcmp(texts[1], "hub") == 0) {
        return stand_in(texts + 2);
    }
    bench_die("bench_line", "see the head of its source");
    return EXIT_FAILURE;
}
