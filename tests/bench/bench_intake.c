/* bench_intake FOLDER: intake through the turn beside raw inserts of the same bytes.
 *
 * Ours: topic, JSON, schema, content hash, the document known for good, the outbox
 * row with its chain, the stream's row, a savepoint for each document. The
 * reference: one table, an integer key and the bytes. Both: WAL, synchronous=FULL,
 * pages and cache of the same size, the same number of documents in each
 * transaction. They take turns, so that a slow moment of the machine meets both.
 *
 * One line a batch size: batch ours reference (documents a second, medians) ratio
 * (median of the rounds'). */
#include "bench/site_rig.h"

#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 5
#define SECONDS 0.8 /* of each side in a round, about */

static void run_sql(sqlite3 *handle, const char *sql) {
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die(sql, sqlite3_errmsg(handle));
    }
}

static sqlite3 *open_raw(const char *folder) {
    char path[4096];
    sqlite3 *handle = NULL;
    (void)snprintf(path, sizeof path, "%s/raw.db", folder);
    if (sqlite3_open(path, &handle) != SQLITE_OK) {
        bench_die(path, "cannot be opened");
    }
    run_sql(handle,
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "PRAGMA cache_size = -4096; CREATE TABLE raw(key INTEGER PRIMARY KEY, body BLOB NOT NULL);");
    return handle;
}

static void insert_raw(sqlite3 *handle, size_t first, size_t count, size_t batch) {
    sqlite3_stmt *insert = NULL;
    char text[BENCH_DOCUMENT_SIZE];
    if (sqlite3_prepare_v2(handle, "INSERT INTO raw VALUES(?, ?)", -1, &insert, NULL) != SQLITE_OK) {
        bench_die("the insert", sqlite3_errmsg(handle));
    }
    for (size_t done = 0; done < count; done++) {
        if (done % batch == 0) {
            run_sql(handle, "BEGIN IMMEDIATE");
        }
        struct xd_bytes body = bench_document(first + done, text);
        (void)sqlite3_bind_int64(insert, 1, (sqlite3_int64)(first + done));
        (void)sqlite3_bind_blob(insert, 2, body.data, (int)body.size, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE) {
            bench_die("the insert", sqlite3_errmsg(handle));
        }
        (void)sqlite3_reset(insert);
        if (done % batch == batch - 1 || done + 1 == count) {
            run_sql(handle, "COMMIT");
        }
    }
    (void)sqlite3_finalize(insert);
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(const double figures[ROUNDS]) {
    double sorted[ROUNDS];
    memcpy(sorted, figures, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, compare);
    return sorted[ROUNDS / 2];
}

struct sides {
    struct bench_rig *rig;
    sqlite3 *raw;
    size_t next; /* number of the next document */
};

/* Documents a second of each side. */
static void one_round(struct sides *sides, size_t count, size_t batch, double *ours, double *theirs) {
    double start = bench_seconds();
    bench_rig_take(sides->rig, sides->next, count, batch);
    double middle = bench_seconds();
    insert_raw(sides->raw, sides->next, count, batch);
    double end = bench_seconds();
    sides->next += count;
    *ours = (double)count / (middle - start);
    *theirs = (double)count / (end - middle);
}

static void measure(struct sides *sides, size_t batch) {
    double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS];
    one_round(sides, 4 * batch, batch, &ours[0], &theirs[0]); /* how many make a round; and warm */
    size_t count = (size_t)(ours[0] * SECONDS) / batch * batch + batch;
    for (size_t round = 0; round < ROUNDS; round++) {
        one_round(sides, count, batch, &ours[round], &theirs[round]);
        ratios[round] = ours[round] / theirs[round];
    }
    (void)printf("%zu %.0f %.0f %.3f\n", batch, median(ours), median(theirs), median(ratios));
    (void)fflush(stdout);
}

int main(int count, char **texts) {
    static const size_t batches[] = {32, 128, 512};
    if (count != 2) {
        bench_die("bench_intake", "FOLDER");
    }
    struct sides sides = {.rig = bench_rig_open(texts[1], "WH1"), .raw = open_raw(texts[1]), .next = 1};
    for (size_t index = 0; index < sizeof batches / sizeof *batches; index++) {
        measure(&sides, batches[index]);
    }
    bench_rig_close(sides.rig);
    (void)sqlite3_close(sides.raw);
    return EXIT_SUCCESS;
}
