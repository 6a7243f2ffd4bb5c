/* Two ends of a line under everything that may go wrong, drawn from one seed; then
 * all is healed, and what must hold is demanded:
 *
 *   - every document that was committed at one side, and that its store still
 *     holds, is known exactly once at the other side;
 *   - the backlog becomes 0 within HEAL_MS of simulated time, and then it is quiet;
 *   - xd_line_check holds after every step, and no watermark falls within an epoch.
 *
 * XD_SEED=n runs that seed, with XD_SEEDS=m the m from there on. A failure names its seed. */
#include "support/line_world.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS 150u
#define STEPS 200u
#define HEAL_MS ((xd_ms)900000)
#define QUIET_MS ((xd_ms)120000)
#define DOCUMENTS_LEFT 600u /* kept back, so that the last ones of a run are appended after all faults */

static struct world world;

/* A fault is on in half of the seeds, with a rate of its own. */
static unsigned rate(unsigned max) {
    return world_random(&world, 2) == 0 ? 0 : 1 + (unsigned)world_random(&world, max);
}

static void draw_faults(void) {
    struct world_faults *faults = &world.faults;
    faults->lost = rate(200);
    faults->lost_confirmed = rate(300);
    faults->returned = rate(100);
    faults->confirm_lost = rate(30);
    faults->doubled = rate(200);
    faults->delayed = world_random(&world, 4) == 0 ? rate(100) : 0;
    faults->wiped = rate(20);
    faults->cut = rate(40);
    faults->crash = rate(40);
    faults->commit_fails = rate(60);
    faults->released_not = rate(40);
    faults->restored = world_random(&world, 2) == 0 ? rate(20) : 0;
    faults->cloned = world_random(&world, 4) == 0 ? rate(10) : 0;
    faults->undone = rate(60);
    faults->append = 50 + (unsigned)world_random(&world, 400);
    faults->burst = world_random(&world, 5) == 0 ? 300 : 1 + (unsigned)world_random(&world, 12);
    faults->retention_ms = world_random(&world, 3) == 0 ? 1000 + (xd_ms)world_random(&world, 60000) : 0;
    /* An ack that was undone comes again after what followed it. */
    world.unordered = faults->delayed > 0 || (faults->undone > 0 && faults->restored > 0);
}

static void advance_clock(xd_ms ms) {
    world.now.monotonic += ms;
    world.now.wall += ms;
}

/* A turn that ends badly is followed by a new process. */
static void turn(struct world_end *end) {
    const struct world_faults *faults = &world.faults;
    unsigned appends = 0;
    if (world_chance(&world, faults->append) && world.document_count < WORLD_DOCUMENTS - DOCUMENTS_LEFT) {
        appends = 1 + (unsigned)world_random(&world, faults->burst);
    }
    bool crash = world_chance(&world, faults->crash);
    end->fail_commit = crash || world_chance(&world, faults->commit_fails);
    end->drop_release = world_chance(&world, faults->released_not);
    bool restart = crash || end->drop_release;
    world_turn(end, appends, (size_t)world_random(&world, 60));
    end->fail_commit = false;
    end->drop_release = false;
    if (restart) {
        world_stop(end);
        world_start(end);
    }
}

static void end_of_ghost(struct world_end *end) {
    struct world_end *ghost = &world.ends[end->index + WORLD_SIDES];
    if (world_random(&world, 2) == 0) {
        world_replace_by_ghost(end);
    } else {
        world_stop(ghost);
        world.restores[end->side]++;
        world_stop(end); /* what the ghost took from the queue is asked for at the start */
        world_start(end);
    }
}

static void disasters(struct world_end *end) {
    const struct world_faults *faults = &world.faults;
    struct world_end *ghost = &world.ends[end->index + WORLD_SIDES];
    if (world_chance(&world, faults->wiped)) {
        world_wipe(&world, end->side);
    }
    if (end->up && world_chance(&world, faults->cut)) {
        world_cut(end);
    }
    if (world_chance(&world, faults->restored)) {
        if (end->copy.there && world_random(&world, 2) == 0) {
            world_restore(end);
            if (world_random(&world, 2) == 0) { /* it goes on accepting before anybody can tell it */
                end->up_at += (xd_ms)world_random(&world, 30000);
            }
        } else {
            world_copy(end);
        }
    }
    if (world_chance(&world, faults->cloned)) {
        world.unordered = true;
        if (!ghost->running) {
            world_clone(end);
        } else {
            end_of_ghost(end);
        }
    }
}

static void step_of_faults(void) {
    advance_clock(world_random(&world, 60) == 0 ? (xd_ms)world_random(&world, 60000)
                                                : (xd_ms)world_random(&world, 400));
    world_broker(&world);
    for (unsigned i = 0; i < WORLD_ENDS; i++) {
        if (world.ends[i].running && world_random(&world, 3) > 0) {
            turn(&world.ends[i]);
        }
    }
    for (unsigned i = 0; i < WORLD_SIDES; i++) {
        disasters(&world.ends[i]);
    }
    world_check(&world);
}

/* ---- healed ---- */

static void heal(void) {
    bool retention = world.faults.retention_ms > 0;
    bool ordered = !world.unordered;
    for (unsigned i = 0; i < WORLD_SIDES; i++) {
        if (world.ends[i + WORLD_SIDES].running) {
            end_of_ghost(&world.ends[i]);
        }
    }
    memset(&world.faults, 0, sizeof world.faults);
    world.faults.retention_ms = retention ? 3600000 : 0;
    for (unsigned i = 0; i < WORLD_SIDES; i++) {
        struct world_end *end = &world.ends[i];
        end->up_at = world.now.monotonic;
        if (!ordered && end->up) {
            world_cut(end);
        } else if (end->doomed_at != 0) {
            end->doomed_at = world.now.monotonic;
        }
        for (size_t m = 0; m < world.queues[i].count && !ordered; m++) {
            world.queues[i].items[m].at = world.now.monotonic;
        }
        world.queues[i].last_at = world.now.monotonic;
    }
}

static void calm_step(xd_ms ms) {
    advance_clock(ms);
    world_broker(&world);
    for (unsigned i = 0; i < WORLD_SIDES; i++) {
        world_turn(&world.ends[i], 0, 256);
    }
    world_check(&world);
}

static xd_ms run_until_empty(void) {
    xd_ms start = world.now.monotonic;
    calm_step(1);
    while (world.broken == NULL && world_backlog(&world) > 0) {
        xd_ms passed = world.now.monotonic - start;
        if (passed > HEAL_MS) {
            world_wrong(&world, "the backlog does not become 0", "%llu documents wait",
                        (unsigned long long)world_backlog(&world));
        }
        calm_step(passed < 20000 ? 50 : 500);
    }
    return world.now.monotonic - start;
}

static void run_quietly(void) {
    xd_ms until = world.now.monotonic + QUIET_MS;
    while (world.now.monotonic < until && world.broken == NULL) {
        calm_step(1000);
    }
    struct world_counts before = world.counts;
    until = world.now.monotonic + QUIET_MS;
    while (world.now.monotonic < until && world.broken == NULL) {
        calm_step(1000);
    }
    if (world.counts.documents != before.documents || world.counts.hellos != before.hellos ||
        world.counts.acks != before.acks) {
        world_wrong(&world, "it does not become quiet", "%llu documents, %llu hellos, %llu acks",
                    (unsigned long long)(world.counts.documents - before.documents),
                    (unsigned long long)(world.counts.hellos - before.hellos),
                    (unsigned long long)(world.counts.acks - before.acks));
    }
}

/* ---- the books ---- */

static bool held[WORLD_DOCUMENTS];
static unsigned applied[WORLD_DOCUMENTS];

static void compare_books(struct world_end *from, struct world_end *to) {
    world_held(from, held);
    world_applied(to, applied);
    for (size_t i = 0; i < from->books.count; i++) {
        unsigned number = from->books.items[i];
        bool lost_twice =
            !held[number] && world.restores[to->side] > 0; /* trimmed here, then forgotten there */
        if (applied[number] == 0 && !lost_twice) {
            world_wrong(&world, "a document is missing", "D%05u of side %u%s", number, from->side,
                        held[number] ? "" : ", trimmed");
        }
    }
    for (unsigned number = 0; number < world.document_count; number++) {
        if (applied[number] > 1) {
            world_wrong(&world, "a document took effect more than once", "D%05u, %u times", number,
                        applied[number]);
        }
        if (applied[number] > 0 && (!world.committed[number] || world.side_of[number] != from->side)) {
            world_wrong(&world, "a document that was never committed took effect", "D%05u", number);
        }
    }
}

static xd_ms run_seed(uint64_t seed, const char *folder) {
    world_open(&world, seed, folder);
    draw_faults();
    for (unsigned step = 0; step < STEPS && world.broken == NULL; step++) {
        step_of_faults();
    }
    heal();
    xd_ms took = run_until_empty();
    run_quietly();
    if (world.broken == NULL) {
        compare_books(&world.ends[0], &world.ends[1]);
        compare_books(&world.ends[1], &world.ends[0]);
    }
    if (world.broken != NULL) {
        print_error("seed %llu, at %lld ms: %s: %s\n", (unsigned long long)seed,
                    (long long)world.now.monotonic, world.broken, world.detail);
    }
    return took;
}

static void whatever_happens_every_document_arrives_once(void **state) {
    (void)state;
    char folder[] = "/dev/shm/crossdock-line-XXXXXX", other[] = "/tmp/crossdock-line-XXXXXX";
    const char *one = getenv("XD_SEED"), *many = getenv("XD_SEEDS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t seeds = many != NULL ? strtoull(many, NULL, 10) : one != NULL ? 1 : SEEDS;
    const char *made = mkdtemp(folder) != NULL ? folder : mkdtemp(other);
    unsigned broken = 0;
    xd_ms longest = 0;
    assert_non_null(made);
    xd_memory_adopt_cjson();
    for (uint64_t seed = first; seed < first + seeds && broken < 10; seed++) {
        xd_ms took = run_seed(seed, made);
        longest = took > longest ? took : longest;
        broken += world.broken != NULL;
        world_close(&world);
    }
    (void)rmdir(made);
    print_message("healed within %lld ms of simulated time\n", (long long)longest);
    assert_int_equal(broken, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_every_document_arrives_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
