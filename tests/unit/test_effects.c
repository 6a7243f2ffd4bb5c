/* Effects: texts in one heap, dropped to a mark, objects freed once. */
#include "base/effects.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static int freed;

static void free_object(void *object) {
    freed += *(int *)object;
}

static int fail_always(void *context, size_t size) {
    (void)context;
    (void)size;
    return 0;
}

static int take_hook_away(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    return 0;
}

static void texts_survive_what_is_added_later(void **state) {
    struct xd_effects effects;
    char text[32];
    (void)state;
    xd_effects_init(&effects, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        struct xd_effect *effect = xd_effects_add(&effects, XD_EFFECT_LINE_PUBLISH);
        assert_non_null(effect);
        (void)snprintf(text, sizeof text, "text %u", i);
        effect->a = xd_effects_text(&effects, text);
        effect->body = xd_effects_bytes(&effects, xd_bytes_of("a\0b", 3));
    }
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "text %u", i);
        assert_string_equal(xd_effects_string(&effects, effects.items[i].a), text);
        assert_int_equal(xd_effects_view(&effects, effects.items[i].body).size, 3);
        assert_null(xd_effects_string(&effects, effects.items[i].b));
        assert_int_equal(effects.items[i].tag, 0);
    }
    xd_effects_free(&effects);
}

static void nothing_is_no_reference(void **state) {
    struct xd_effects effects;
    (void)state;
    xd_effects_init(&effects, NULL);
    assert_int_equal(xd_effects_text(&effects, NULL).size, 0);
    assert_int_equal(xd_effects_text(&effects, "").size, 0);
    assert_null(xd_effects_string(&effects, xd_effects_text(&effects, NULL)));
    assert_int_equal(xd_effects_view(&effects, xd_effects_text(&effects, "")).size, 0);
    xd_effects_free(&effects);
}

static void what_is_beyond_a_mark_is_dropped_with_its_objects(void **state) {
    struct xd_effects effects;
    int one = 1, ten = 10, hundred = 100;
    (void)state;
    freed = 0;
    xd_effects_init(&effects, free_object);
    xd_effects_add(&effects, XD_EFFECT_ERP_CALL)->object = &one;
    struct xd_text_ref kept = xd_effects_text(&effects, "kept");
    size_t count = effects.count, heap_size = effects.heap.size;
    xd_effects_add(&effects, XD_EFFECT_ERP_CALL)->object = &ten;
    (void)xd_effects_text(&effects, "dropped");
    struct xd_effect *taken_over = xd_effects_add(&effects, XD_EFFECT_ERP_CALL);
    taken_over->object = &hundred;
    taken_over->object = NULL;
    xd_effects_drop_to(&effects, count, heap_size);
    assert_int_equal(freed, 10);
    assert_int_equal(effects.count, 1);
    assert_string_equal(xd_effects_string(&effects, kept), "kept");
    xd_effects_free(&effects);
    assert_int_equal(freed, 11);
}

static int freed_otherwise;

static void free_otherwise(void *object) {
    freed_otherwise += *(int *)object;
}

static void an_object_may_be_freed_in_a_way_of_its_own(void **state) {
    struct xd_effects effects;
    int one = 1, ten = 10;
    (void)state;
    freed = freed_otherwise = 0;
    xd_effects_init(&effects, free_object);
    xd_effects_add(&effects, XD_EFFECT_ERP_CALL)->object = &one;
    struct xd_effect *effect = xd_effects_add(&effects, XD_EFFECT_WEBHOOK);
    effect->object = &ten;
    effect->free_object = free_otherwise;
    xd_effects_free(&effects);
    assert_int_equal(freed, 1);
    assert_int_equal(freed_otherwise, 10);
}

static void a_failure_sticks_until_it_is_dropped(void **state) {
    struct xd_effects effects;
    (void)state;
    xd_effects_init(&effects, NULL);
    xd_memory_set_hook(fail_always, NULL);
    assert_null(xd_effects_add(&effects, XD_EFFECT_TICKET));
    assert_int_equal(effects.result, XD_NO_MEMORY);
    xd_memory_set_hook(NULL, NULL);
    assert_int_equal(effects.result, XD_NO_MEMORY);
    xd_effects_drop_to(&effects, 0, 0);
    assert_int_equal(effects.result, XD_OK);
    xd_memory_set_hook(fail_always, NULL);
    assert_int_equal(xd_effects_text(&effects, "text").size, 0);
    assert_int_equal(effects.result, XD_NO_MEMORY);
    xd_memory_set_hook(NULL, NULL);
    xd_effects_drop_to(&effects, 0, 0);
    assert_int_equal(xd_effects_text(&effects, "text").size, 4);
    xd_effects_free(&effects);
}

static void there_is_a_limit(void **state) {
    struct xd_effects effects;
    unsigned count = 0;
    (void)state;
    xd_effects_init(&effects, NULL);
    while (xd_effects_add(&effects, XD_EFFECT_TICKET) != NULL) {
        count++;
    }
    assert_int_equal(effects.result, XD_FULL);
    assert_true(count >= 4096);
    xd_effects_free(&effects);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_survive_what_is_added_later),
        cmocka_unit_test(nothing_is_no_reference),
        cmocka_unit_test(what_is_beyond_a_mark_is_dropped_with_its_objects),
        cmocka_unit_test(an_object_may_be_freed_in_a_way_of_its_own),
        cmocka_unit_test_teardown(a_failure_sticks_until_it_is_dropped, take_hook_away),
        cmocka_unit_test(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
