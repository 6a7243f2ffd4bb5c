/* The allocator: what it gives, and how a test makes it fail. */
#include "base/memory.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct countdown {
    int left;  /* allocations that may still succeed */
    int calls; /* seen */
    size_t last_size;
};

static int count_down(void *context, size_t size) {
    struct countdown *countdown = context;
    countdown->calls++;
    countdown->last_size = size;
    return countdown->left-- > 0;
}

static int take_hook_away(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    return 0;
}

static void alloc_gives_zeroes(void **state) {
    (void)state;
    /* dirty blocks first, so that fresh zero pages alone cannot pass */
    for (size_t size = 1; size < 600; size += 37) {
        uint8_t *dirty = xd_alloc(size);
        assert_non_null(dirty);
        memset(dirty, 0xA5, size);
        xd_free(dirty);
        uint8_t *clean = xd_alloc(size);
        assert_non_null(clean);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(clean[i], 0);
        }
        xd_free(clean);
    }
}

static void nothing_is_served_as_one_byte(void **state) {
    (void)state;
    char *memory = xd_alloc(0);
    assert_non_null(memory);
    memory[0] = 'x';
    memory = xd_resize(memory, 0);
    assert_non_null(memory);
    memory[0] = 'y';
    xd_free(memory);
}

static void an_absurd_size_gives_null(void **state) {
    (void)state;
    volatile size_t huge = SIZE_MAX;
    assert_null(xd_copy_bytes("", huge));
}

static void resize_keeps_contents(void **state) {
    (void)state;
    char *memory = xd_alloc(4);
    assert_non_null(memory);
    memcpy(memory, "abc", 4);
    memory = xd_resize(memory, 4096);
    assert_non_null(memory);
    assert_string_equal(memory, "abc");
    xd_free(memory);
}

static void resize_of_null_allocates(void **state) {
    (void)state;
    char *memory = xd_resize(NULL, 8);
    assert_non_null(memory);
    memset(memory, 1, 8);
    xd_free(memory);
}

static void failed_resize_leaves_the_block(void **state) {
    (void)state;
    struct countdown countdown = {.left = 1};
    xd_memory_set_hook(count_down, &countdown);
    char *memory = xd_copy_text("kept");
    assert_non_null(memory);
    assert_null(xd_resize(memory, 4096));
    assert_string_equal(memory, "kept");
    xd_free(memory);
}

static void copies_are_terminated_and_apart(void **state) {
    (void)state;
    char source[] = "abcdef";
    char *text = xd_copy_text(source);
    char *bytes = xd_copy_bytes(source + 1, 3);
    char *empty = xd_copy_bytes(NULL, 0);
    assert_non_null(text);
    assert_non_null(bytes);
    assert_non_null(empty);
    memset(source, 'z', sizeof source - 1);
    assert_string_equal(text, "abcdef");
    assert_string_equal(bytes, "bcd");
    assert_string_equal(empty, "");
    xd_free(text);
    xd_free(bytes);
    xd_free(empty);
    assert_null(xd_copy_text(NULL));
}

static void copied_bytes_may_hold_nul(void **state) {
    (void)state;
    char *bytes = xd_copy_bytes("a\0b", 3);
    assert_non_null(bytes);
    assert_memory_equal(bytes, "a\0b", 4);
    xd_free(bytes);
}

static void the_nth_allocation_fails_where_it_is_told_to(void **state) {
    (void)state;
    struct countdown countdown = {.left = 2};
    xd_memory_set_hook(count_down, &countdown);
    void *first = xd_alloc(10);
    void *second = xd_copy_text("12345");
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(countdown.last_size, 6);
    assert_null(xd_alloc(10));
    assert_null(xd_copy_bytes("x", 1));
    assert_null(xd_resize(NULL, 1));
    assert_int_equal(countdown.calls, 5);
    xd_memory_set_hook(NULL, NULL);
    void *again = xd_alloc(10);
    assert_non_null(again);
    assert_int_equal(countdown.calls, 5);
    xd_free(first);
    xd_free(second);
    xd_free(again);
}

static void cjson_allocates_here_once_adopted(void **state) {
    (void)state;
    xd_memory_adopt_cjson();
    struct countdown countdown = {.left = 1000};
    xd_memory_set_hook(count_down, &countdown);
    cJSON *tree = cJSON_Parse("{\"a\":[1,\"x\"]}");
    assert_non_null(tree);
    assert_true(countdown.calls >= 4);
    int needed = countdown.calls;
    cJSON_Delete(tree);
    for (int left = 0; left < needed; left++) {
        countdown.left = left;
        assert_null(cJSON_Parse("{\"a\":[1,\"x\"]}"));
    }
}

static void *parse_and_delete(void *context) {
    cJSON **kept = context;
    kept[0] = cJSON_Parse("{\"a\":[1,\"x\"]}");
    cJSON_Delete(cJSON_Parse("{\"b\":[2,\"y\"]}"));
    return NULL;
}

/* A query of the API reads a document while the turn reads one into its arena. */
static void an_arena_takes_the_trees_of_its_own_thread_only(void **state) {
    (void)state;
    xd_memory_adopt_cjson();
    struct xd_arena arena = {NULL};
    cJSON *kept = NULL;
    pthread_t thread;
    xd_memory_cjson_into(&arena);
    assert_int_equal(pthread_create(&thread, NULL, parse_and_delete, &kept), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_null(arena.blocks); /* the other one's */
    assert_non_null(cJSON_Parse("{\"c\":3}"));
    assert_non_null(arena.blocks);
    xd_memory_cjson_into(NULL);
    xd_arena_free(&arena);
    assert_non_null(cJSON_GetObjectItem(kept, "a"));
    cJSON_Delete(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_gives_zeroes),
        cmocka_unit_test(nothing_is_served_as_one_byte),
        cmocka_unit_test(an_absurd_size_gives_null),
        cmocka_unit_test(resize_keeps_contents),
        cmocka_unit_test(resize_of_null_allocates),
        cmocka_unit_test_teardown(failed_resize_leaves_the_block, take_hook_away),
        cmocka_unit_test(copies_are_terminated_and_apart),
        cmocka_unit_test(copied_bytes_may_hold_nul),
        cmocka_unit_test_teardown(the_nth_allocation_fails_where_it_is_told_to, take_hook_away),
        cmocka_unit_test_teardown(cjson_allocates_here_once_adopted, take_hook_away),
        cmocka_unit_test(an_arena_takes_the_trees_of_its_own_thread_only),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
