/* bench_orders_bare HUB_DB COUNT TABLE...: what bench_orders is measured against: libmicrohttpd and SQLite,
 * and nothing between them.
 *
 * HUB_DB is the store, or a copy of it, of a hub that has taken orders and does not run. The rows of the last
 * order are the template: they are written again with numbers and ids of their own (those that the hub makes
 * by a hash are scattered over their index as there). TABLEs are those that hold rows of an order.
 *
 * COUNT 0: serves HTTP. Every request writes the rows of an order, and those of stock, exposure and counters
 * that an order changes. Nothing is parsed or decided. Like the hub: one polling thread that suspends
 * requests, another thread that commits all that wait in one transaction (WAL, synchronous=FULL), and only
 * then an answer of the same size. Prints its port; ends when its standard input does.
 *
 * COUNT above 0: writes the rows of so many orders and ends: for a store that has grown. */
#include "bench/site_rig.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROWS_MAX 64
#define COLUMNS_MAX 40
#define TEXT_SIZE 256
#define WAITING_MAX 512
#define CACHE_KB 4096
#define LINES 5
#define FILL_BATCH 1000
#define ANSWER_SIZE 256

enum role { AS_IT_IS, NUMBER, PLACE, SCATTERED, COUNTED }; /* COUNTED: a text that ends with the number */

struct row {
    sqlite3_stmt *insert;
    int count;
    sqlite3_int64 place; /* among the order's rows of its table */
    sqlite3_value *values[COLUMNS_MAX];
    enum role roles[COLUMNS_MAX];
};

/* Two columns of many rows. */
struct pair {
    char first[TEXT_SIZE], second[TEXT_SIZE];
};

struct pairs {
    struct pair *pairs;
    size_t count, capacity;
};

struct request {
    struct MHD_Connection *connection;
    bool stored;
};

static struct {
    sqlite3 *handle;
    struct row rows[ROWS_MAX];
    size_t row_count;
    char order_id[TEXT_SIZE];
    sqlite3_int64 next;
    struct pairs stock, exposures;
    sqlite3_stmt *reserve, *expose, *count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request *waiting[WAITING_MAX];
    size_t waiting_count;
    struct MHD_Response *answer;
} bare = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void run_sql(const char *sql) {
    if (sqlite3_exec(bare.handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die(sql, sqlite3_errmsg(bare.handle));
    }
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(bare.handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        bench_die(sql, sqlite3_errmsg(bare.handle));
    }
    return statement;
}

static void step(sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) {
        bench_die(sqlite3_sql(statement), sqlite3_errmsg(bare.handle));
    }
    (void)sqlite3_reset(statement);
}

/* ---- the template ---- */

static bool is_one_of(const char *name, const char *const *names) {
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

static enum role role_of(const char *table, const char *column) {
    static const char *const scattered[] = {"order_id", "release_id", "correlation_id", "id", NULL};
    static const char *const counted[] = {"external_order_id", "key", "reference", "sale_reference", NULL};
    static const char *const numbers[] = {"n", "job", NULL};
    bool number = is_one_of(column, numbers) || (strcmp(table, "job") == 0 && strcmp(column, "number") == 0);
    return strcmp(table, "event") == 0 && number ? PLACE
           : number                              ? NUMBER
           : is_one_of(column, scattered)        ? SCATTERED
           : is_one_of(column, counted)          ? COUNTED
                                                 : AS_IT_IS;
}

static void load_row(const char *table, sqlite3_stmt *select, sqlite3_int64 place) {
    char sql[512];
    if (bare.row_count == ROWS_MAX || sqlite3_column_count(select) > COLUMNS_MAX) {
        bench_die(table, "an order has more rows or columns than there is room for");
    }
    struct row *row = &bare.rows[bare.row_count++];
    row->count = sqlite3_column_count(select);
    row->place = place;
    int size = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES(?", table);
    for (int column = 0; column < row->count; column++) {
        row->values[column] = sqlite3_value_dup(sqlite3_column_value(select, column));
        row->roles[column] = role_of(table, sqlite3_column_name(select, column));
        size += snprintf(sql + size, sizeof sql - (size_t)size, "%s", column > 0 ? ", ?" : "");
    }
    (void)snprintf(sql + size, sizeof sql - (size_t)size, ")");
    row->insert = prepare(sql);
}

/* Which rows of a table are the order's: by the order's number, its id, or through its releases and jobs. */
static const char *condition_of(const char *table) {
    static const struct {
        const char *table, *condition;
    } known[] = {{"order_body", "n = (SELECT n FROM orders WHERE order_id = ?1)"},
                 {"order_line", "n = (SELECT n FROM orders WHERE order_id = ?1)"},
                 {"timeline", "n = (SELECT n FROM orders WHERE order_id = ?1)"},
                 {"release_line", "n IN (SELECT n FROM release WHERE order_id = ?1)"},
                 {"job_line", "job IN (SELECT number FROM job WHERE order_id = ?1)"}};
    for (size_t index = 0; index < sizeof known / sizeof *known; index++) {
        if (strcmp(known[index].table, table) == 0) {
            return known[index].condition;
        }
    }
    return "order_id = ?1";
}

static void load_table(const char *table) {
    char sql[512];
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE %s", table, condition_of(table));
    sqlite3_stmt *select = prepare(sql);
    (void)sqlite3_bind_text(select, 1, bare.order_id, -1, SQLITE_STATIC);
    for (sqlite3_int64 place = 0; sqlite3_step(select) == SQLITE_ROW; place++) {
        load_row(table, select, place);
    }
    (void)sqlite3_finalize(select);
}

static void load_pairs(const char *sql, struct pairs *out) {
    sqlite3_stmt *select = prepare(sql);
    while (sqlite3_step(select) == SQLITE_ROW) {
        struct pair *pairs = xd_grow(out->pairs, out->count, &out->capacity, sizeof *pairs);
        if (pairs == NULL) {
            bench_die(sql, "no memory");
        }
        out->pairs = pairs;
        (void)snprintf(pairs[out->count].first, TEXT_SIZE, "%s",
                       (const char *)sqlite3_column_text(select, 0));
        (void)snprintf(pairs[out->count++].second, TEXT_SIZE, "%s",
                       (const char *)sqlite3_column_text(select, 1));
    }
    if (out->count == 0) {
        bench_die(sql, "gives no row");
    }
    (void)sqlite3_finalize(select);
}

static void load(const char *path, char **tables) {
    char pragma[80];
    if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
        sqlite3_open_v2(path, &bare.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        bench_die(path, "cannot be opened");
    }
    (void)snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY", CACHE_KB);
    run_sql(pragma);
    run_sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST");
    sqlite3_stmt *last =
        prepare("SELECT order_id, (SELECT max(n) FROM orders) + (SELECT max(number) FROM job) + 1000000"
                " FROM orders ORDER BY n DESC LIMIT 1");
    if (sqlite3_step(last) != SQLITE_ROW) {
        bench_die(path, "holds no order");
    }
    (void)snprintf(bare.order_id, sizeof bare.order_id, "%s", (const char *)sqlite3_column_text(last, 0));
    bare.next = sqlite3_column_int64(last, 1);
    (void)sqlite3_finalize(last);
    while (*tables != NULL) {
        load_table(*tables++);
    }
}

/* ---- writing ---- */

static void bind_text(const struct row *row, int column, sqlite3_int64 number) {
    char text[TEXT_SIZE], digits[24];
    int size = snprintf(text, sizeof text, "%s", (const char *)sqlite3_value_text(row->values[column]));
    if (size < 10 || size >= (int)sizeof text) { /* empty: it names nothing */
        (void)sqlite3_bind_value(row->insert, column + 1, row->values[column]);
        return;
    }
    bool scattered = row->roles[column] == SCATTERED;
    int count = scattered
                    ? snprintf(digits, sizeof digits, "%08x", (unsigned)((uint32_t)number * 2654435761u))
                    : snprintf(digits, sizeof digits, "%08lld", (long long)number);
    memcpy(text + (scattered ? 2 : size - count), digits, (size_t)count);
    (void)sqlite3_bind_text(row->insert, column + 1, text, size, SQLITE_TRANSIENT);
}

static void write_row(const struct row *row, sqlite3_int64 number) {
    for (int column = 0; column < row->count; column++) {
        if (row->roles[column] == NUMBER) {
            (void)sqlite3_bind_int64(row->insert, column + 1, number);
        } else if (row->roles[column] == PLACE) {
            (void)sqlite3_bind_int64(row->insert, column + 1, number * ROWS_MAX + row->place);
        } else if (row->roles[column] == AS_IT_IS) {
            (void)sqlite3_bind_value(row->insert, column + 1, row->values[column]);
        } else {
            bind_text(row, column, number);
        }
    }
    step(row->insert);
}

/* What an order changes: the stock of its lines, its customer's exposure, how many orders and jobs there are.
 */
static void change_rows(sqlite3_int64 number) {
    for (sqlite3_int64 line = 0; line < LINES; line++) {
        const struct pair *pair = &bare.stock.pairs[(size_t)(number * LINES + line) % bare.stock.count];
        (void)sqlite3_bind_int64(bare.reserve, 1, number);
        (void)sqlite3_bind_text(bare.reserve, 2, pair->first, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(bare.reserve, 3, pair->second, -1, SQLITE_STATIC);
        step(bare.reserve);
    }
    const struct pair *customer = &bare.exposures.pairs[(size_t)number % bare.exposures.count];
    (void)sqlite3_bind_int64(bare.expose, 1, number);
    (void)sqlite3_bind_text(bare.expose, 2, customer->first, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(bare.expose, 3, customer->second, -1, SQLITE_STATIC);
    step(bare.expose);
    for (int topic = 1; topic <= 2; topic++) {
        (void)sqlite3_bind_int(bare.count, 1, topic);
        step(bare.count);
    }
}

static void prepare_changes(void) {
    load_pairs("SELECT site, sku FROM stock", &bare.stock);
    load_pairs("SELECT customer, currency FROM exposure", &bare.exposures);
    bare.reserve = prepare("UPDATE stock SET reserved = ?1 WHERE site = ?2 AND sku = ?3");
    bare.expose = prepare("UPDATE exposure SET amount = ?1 WHERE customer = ?2 AND currency = ?3");
    bare.count = prepare("UPDATE counter SET count = count + 1 WHERE topic = ?1 AND state = 1");
}

static sqlite3_int64 write_order(void) {
    for (size_t row = 0; row < bare.row_count; row++) {
        write_row(&bare.rows[row], bare.next);
    }
    return bare.next++;
}

static void fill(unsigned long count) {
    for (unsigned long done = 0; done < count; done++) {
        if (done % FILL_BATCH == 0) {
            run_sql(done == 0 ? "BEGIN IMMEDIATE" : "COMMIT; BEGIN IMMEDIATE");
        }
        (void)write_order();
    }
    run_sql("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    (void)sqlite3_close_v2(bare.handle);
}

static _Noreturn void *commit(void *context) {
    struct request *taken[WAITING_MAX];
    (void)context;
    for (;;) {
        pthread_mutex_lock(&bare.lock);
        while (bare.waiting_count == 0) {
            pthread_cond_wait(&bare.changed, &bare.lock);
        }
        size_t count = bare.waiting_count;
        memcpy(taken, bare.waiting, count * sizeof(struct request *));
        bare.waiting_count = 0;
        pthread_mutex_unlock(&bare.lock);
        run_sql("BEGIN IMMEDIATE");
        for (size_t index = 0; index < count; index++) {
            change_rows(write_order());
        }
        run_sql("COMMIT");
        for (size_t index = 0; index < count; index++) {
            taken[index]->stored = true;
            MHD_resume_connection(taken[index]->connection);
        }
    }
}

/* ---- HTTP ---- */

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **request_context) {
    struct request *request = *request_context;
    (void)context, (void)url, (void)method, (void)version, (void)data;
    if (request == NULL) {
        *request_context = calloc(1, sizeof *request);
        return *request_context != NULL ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        *size = 0;
        return MHD_YES;
    }
    if (request->stored) {
        return MHD_queue_response(connection, MHD_HTTP_ACCEPTED, bare.answer);
    }
    request->connection = connection;
    pthread_mutex_lock(&bare.lock);
    bool room = bare.waiting_count < WAITING_MAX;
    if (room) {
        MHD_suspend_connection(connection);
        bare.waiting[bare.waiting_count++] = request;
        pthread_cond_signal(&bare.changed);
    }
    pthread_mutex_unlock(&bare.lock);
    return room ? MHD_YES : MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode why) {
    (void)context, (void)connection, (void)why;
    free(*request_context);
    *request_context = NULL;
}

static void serve(void) {
    static char body[ANSWER_SIZE];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pthread_t thread;
    memset(body, ' ', sizeof body);
    body[0] = '{';
    body[sizeof body - 1] = '}';
    bare.answer = MHD_create_response_from_buffer(sizeof body, body, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(bare.answer, "Content-Type", "application/json");
    (void)MHD_add_response_header(bare.answer, "Location", "/v1/orders/O0123456789ABCDEFG");
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
                         NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, 256u,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon != NULL ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL || pthread_create(&thread, NULL, commit, NULL) != 0) {
        bench_die("the bare server", "cannot start");
    }
    (void)printf("%u\n", (unsigned)info->port);
    (void)fflush(stdout);
}

int main(int count, char **texts) {
    char byte;
    if (count < 4) {
        bench_die("bench_orders_bare", "HUB_DB COUNT TABLE...");
    }
    load(texts[1], texts + 3);
    if (strtoul(texts[2], NULL, 10) > 0) {
        fill(strtoul(texts[2], NULL, 10));
        return EXIT_SUCCESS;
    }
    prepare_changes();
    serve();
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    _exit(EXIT_SUCCESS); /* all that was answered is committed */
}
