/* A reference that comes again is made another one before the ERP sees it, so that it has nothing to enforce.
 * How often each came is remembered for all workers of one ERP. */
#include "contract/erps_degraded.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 256
#define WRAPPED_MAX 6 /* as many as there are functions to prepare them */
#define REFERENCE_SIZE 160

static struct wrapped {
    const struct erp_maker *maker;
    enum xd_erp_grade grade;
    char name[64];
} wrapped[WRAPPED_MAX];
static size_t wrapped_count;

static const struct erp_maker *current; /* set by prepare */
static enum xd_erp_grade current_grade;

static struct seen {
    enum xd_erp_kind kind;
    char reference[REFERENCE_SIZE];
    unsigned asked;    /* a name for each time */
    unsigned standing; /* made, or about to be */
} seen[SEEN_MAX];
static size_t seen_count;
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static struct seen *entry_of(enum xd_erp_kind kind, const char *reference) {
    size_t index = 0;
    while (index < seen_count &&
           (seen[index].kind != kind || strcmp(seen[index].reference, reference) != 0)) {
        index++;
    }
    assert_true(index < SEEN_MAX);
    if (index == seen_count) {
        seen_count++;
        seen[index] = (struct seen){.kind = kind};
        (void)snprintf(seen[index].reference, REFERENCE_SIZE, "%s", reference);
    }
    return &seen[index];
}

struct worker {
    struct xd_erp inner;
    enum xd_erp_grade grade;
};

static void degraded_post(void *context, const struct xd_erp_request *request, struct xd_erp_answer *answer) {
    struct worker *worker = context;
    struct xd_erp_request other = *request;
    char reference[REFERENCE_SIZE + 16];
    pthread_mutex_lock(&seen_lock);
    struct seen *entry = entry_of(request->kind, request->reference);
    unsigned asked = ++entry->asked;
    bool again = entry->standing++ > 0;
    pthread_mutex_unlock(&seen_lock);
    if (again) {
        (void)snprintf(reference, sizeof reference, "%s#%u", request->reference, asked);
        other.reference = reference;
    }
    worker->inner.post(worker->inner.context, &other, answer);
    if (answer->outcome == XD_ERP_REJECTED || answer->outcome == XD_ERP_UNAVAILABLE) {
        pthread_mutex_lock(&seen_lock);
        entry_of(request->kind, request->reference)->standing--;
        pthread_mutex_unlock(&seen_lock);
    }
}

static void degraded_find(void *context, enum xd_erp_kind kind, const char *reference,
                          struct xd_erp_answer *answer) {
    struct worker *worker = context;
    if (worker->grade == XD_ERP_GRADE_B) {
        worker->inner.find(worker->inner.context, kind, reference, answer);
        return;
    }
    memset(answer, 0, sizeof *answer);
    answer->outcome = XD_ERP_UNAVAILABLE;
}

static void degraded_list(void *context, enum xd_erp_list what, const char *cursor, size_t max,
                          struct xd_erp_answer *answer, struct xd_buffer *entries,
                          char next[XD_ERP_CURSOR_SIZE]) {
    struct worker *worker = context;
    worker->inner.list(worker->inner.context, what, cursor, max, answer, entries, next);
}

static void degraded_close(void *context) {
    struct worker *worker = context;
    worker->inner.close(worker->inner.context);
    free(worker);
}

static void degraded_open(const char *folder, struct xd_erp *out) {
    struct worker *worker = calloc(1, sizeof *worker);
    assert_non_null(worker);
    worker->grade = current_grade;
    current->open(folder, &worker->inner);
    *out = (struct xd_erp){.context = worker,
                           .grade = current_grade,
                           .post = degraded_post,
                           .find = degraded_find,
                           .list = degraded_list,
                           .close = degraded_close};
}

static void prepare(const char *folder, size_t index) {
    current = wrapped[index].maker;
    current_grade = wrapped[index].grade;
    seen_count = 0;
    current->prepare(folder);
}

/* A maker has no context, so each that is wrapped has a function of its own. */
#define PREPARE(index)                                                                                       \
    static void prepare_##index(const char *folder) {                                                        \
        prepare(folder, index);                                                                              \
    }
PREPARE(0)
PREPARE(1)
PREPARE(2)
PREPARE(3)
PREPARE(4)
PREPARE(5)
static void (*const prepares[WRAPPED_MAX])(const char *folder) = {prepare_0, prepare_1, prepare_2,
                                                                  prepare_3, prepare_4, prepare_5};

struct erp_maker erps_degrade(const struct erp_maker *maker, enum xd_erp_grade grade) {
    size_t index = wrapped_count++;
    struct erp_maker copy = *maker;
    assert_true(index < WRAPPED_MAX);
    wrapped[index].maker = maker;
    wrapped[index].grade = grade;
    (void)snprintf(wrapped[index].name, sizeof wrapped[index].name, "%s as %s", maker->name,
                   grade == XD_ERP_GRADE_B ? "B" : "C");
    copy.name = wrapped[index].name;
    copy.grade = grade;
    copy.prepare = prepares[index];
    copy.open = degraded_open;
    return copy;
}
