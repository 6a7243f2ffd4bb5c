/* The management API's client against a real RabbitMQ on loopback. Where it is and
 * which administrator may use it: XD_TEST_AMQP_MANAGEMENT_PORT, XD_TEST_AMQP_USER,
 * _PASSWORD, and XD_TEST_AMQP_PORT to see whether a made user can log in. */
#include "amqp/amqp.h"
#include "base/crypto.h"
#include "rabbitadmin/rabbitadmin.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 30

static struct xd_rabbitadmin_address g_address;
static char g_url[64], g_amqp_url[64], g_vhost[64], g_user[64];
static char g_why[300];

static void put_user(const char *password) {
    static const unsigned char salt[4] = {1, 2, 3, 4};
    char hash[64];
    xd_rabbitadmin_hash(password, salt, hash);
    assert_int_equal(xd_rabbitadmin_put_user(&g_address, g_user, hash, g_why, sizeof g_why), XD_OK);
}

/* What became of a login: 0 not known yet, 1 in, -1 refused. */
struct login {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int outcome;
};

static void tell(struct login *login, int outcome) {
    (void)pthread_mutex_lock(&login->mutex);
    if (login->outcome == 0)
        login->outcome = outcome;
    (void)pthread_cond_signal(&login->changed);
    (void)pthread_mutex_unlock(&login->mutex);
}

static void on_up(void *context, uint64_t generation) {
    (void)generation;
    tell(context, 1);
}

static void on_down(void *context, uint64_t generation, const char *why) {
    (void)generation;
    (void)why;
    tell(context, -1);
}

static enum xd_result declare_own(void *context, struct xd_amqp_setup *setup) {
    (void)context;
    return xd_amqp_declare_exchange(setup, "mine.exchange", "fanout");
}

static enum xd_result declare_foreign(void *context, struct xd_amqp_setup *setup) {
    (void)context;
    return xd_amqp_declare_exchange(setup, "theirs.exchange", "fanout");
}

static int log_in(const char *password, enum xd_result (*declare)(void *, struct xd_amqp_setup *)) {
    struct login login = {.outcome = 0};
    struct xd_amqp_address address = {
        .url = g_amqp_url, .vhost = g_vhost, .username = g_user, .password = password};
    struct xd_amqp_publisher_events events = {
        .context = &login, .up = on_up, .down = on_down, .declare = declare};
    struct xd_amqp_publisher *publisher = NULL;
    struct timespec until;
    int error = 0;
    (void)pthread_mutex_init(&login.mutex, NULL);
    (void)pthread_cond_init(&login.changed, NULL);
    assert_int_equal(xd_amqp_publisher_start(&address, 4, 0, &events, &publisher), XD_OK);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    (void)pthread_mutex_lock(&login.mutex);
    while (login.outcome == 0 && error == 0)
        error = pthread_cond_timedwait(&login.changed, &login.mutex, &until);
    (void)pthread_mutex_unlock(&login.mutex);
    xd_amqp_publisher_stop(publisher);
    return login.outcome;
}

static void user_that_is_put_exists_until_it_is_deleted(void **state) {
    (void)state;
    assert_int_equal(xd_rabbitadmin_user_exists(&g_address, g_user, g_why, sizeof g_why), XD_NOT_FOUND);
    put_user("secret");
    put_user("secret");
    assert_int_equal(xd_rabbitadmin_user_exists(&g_address, g_user, g_why, sizeof g_why), XD_OK);
    assert_int_equal(xd_rabbitadmin_delete_user(&g_address, g_user, g_why, sizeof g_why), XD_OK);
    assert_int_equal(xd_rabbitadmin_user_exists(&g_address, g_user, g_why, sizeof g_why), XD_NOT_FOUND);
    assert_int_equal(xd_rabbitadmin_delete_user(&g_address, g_user, g_why, sizeof g_why), XD_NOT_FOUND);
}

static void hashed_password_and_permissions_are_what_the_broker_checks(void **state) {
    (void)state;
    assert_int_equal(xd_rabbitadmin_put_vhost(&g_address, g_why, sizeof g_why), XD_OK);
    assert_int_equal(xd_rabbitadmin_put_vhost(&g_address, g_why, sizeof g_why), XD_OK);
    put_user("secret");
    assert_int_equal(log_in("secret", NULL), -1); /* no permission in the vhost yet */
    assert_int_equal(
        xd_rabbitadmin_put_permissions(&g_address, g_user, "^mine\\.", "", "", g_why, sizeof g_why), XD_OK);
    assert_int_equal(log_in("secret", declare_own), 1);
    assert_int_equal(log_in("secret", declare_foreign), -1);
    assert_int_equal(log_in("other", NULL), -1);
    assert_int_equal(xd_rabbitadmin_delete_user(&g_address, g_user, g_why, sizeof g_why), XD_OK);
}

static enum xd_result declare_queues(void *context, struct xd_amqp_setup *setup) {
    (void)context;
    enum xd_result result = xd_amqp_declare_quorum_queue(setup, "mine.a/b c", NULL, false);
    return result == XD_OK ? xd_amqp_declare_quorum_queue(setup, "other", NULL, false) : result;
}

/* How often the queue was seen, and with a state. */
struct sight {
    unsigned seen, with_state;
};

static void see(void *context, const char *name, bool has_state) {
    struct sight *sight = context;
    assert_string_equal(name, "mine.a/b c");
    sight->seen++;
    sight->with_state += has_state;
}

static struct sight look(void) {
    struct sight sight = {0};
    assert_int_equal(xd_rabbitadmin_each_queue(&g_address, "mine.", see, &sight, g_why, sizeof g_why), XD_OK);
    return sight;
}

static void queue_is_listed_with_its_state_in_time_until_it_is_deleted(void **state) {
    struct timespec pause = {.tv_nsec = 200000000};
    struct sight sight = {0};
    (void)state;
    assert_int_equal(xd_rabbitadmin_put_vhost(&g_address, g_why, sizeof g_why), XD_OK);
    put_user("secret");
    assert_int_equal(
        xd_rabbitadmin_put_permissions(&g_address, g_user, ".*", ".*", ".*", g_why, sizeof g_why), XD_OK);
    assert_int_equal(log_in("secret", declare_queues), 1);
    for (int tries = 0; tries < DEADLINE_S * 5 && sight.with_state == 0; tries++) {
        sight = look();
        assert_int_equal(sight.seen, 1);
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(sight.with_state, 1);
    assert_int_equal(xd_rabbitadmin_delete_queue(&g_address, "mine.a/b c", g_why, sizeof g_why), XD_OK);
    assert_int_equal(look().seen, 0);
    assert_int_equal(xd_rabbitadmin_delete_queue(&g_address, "mine.a/b c", g_why, sizeof g_why),
                     XD_NOT_FOUND);
    assert_int_equal(xd_rabbitadmin_delete_user(&g_address, g_user, g_why, sizeof g_why), XD_OK);
}

static void queues_of_a_vhost_that_is_not_there_are_not_found(void **state) {
    struct xd_rabbitadmin_address address = g_address;
    struct sight sight = {0};
    (void)state;
    address.vhost = "nowhere";
    assert_int_equal(xd_rabbitadmin_each_queue(&address, "mine.", see, &sight, g_why, sizeof g_why),
                     XD_NOT_FOUND);
    assert_int_equal(sight.seen, 0);
}

static void running_nodes_say_for_how_long_they_are_up(void **state) {
    struct timespec pause = {.tv_nsec = 200000000};
    uint64_t up_ms = 0;
    (void)state;
    for (int tries = 0; tries < DEADLINE_S * 5 && up_ms == 0; tries++) { /* the first figures take seconds */
        assert_int_equal(xd_rabbitadmin_nodes_up(&g_address, &up_ms, g_why, sizeof g_why), XD_OK);
        (void)nanosleep(&pause, NULL);
    }
    assert_in_range(up_ms, 1, (uint64_t)365 * 86400 * 1000);
}

static void wrong_password_is_denied(void **state) {
    struct xd_rabbitadmin_address address = g_address;
    (void)state;
    address.password = "certainly-wrong";
    assert_int_equal(xd_rabbitadmin_user_exists(&address, g_user, g_why, sizeof g_why), XD_DENIED);
    assert_non_null(strstr(g_why, "401"));
    assert_null(strstr(g_why, "certainly-wrong"));
}

static void nobody_there_is_unavailable(void **state) {
    struct xd_rabbitadmin_address address = g_address;
    (void)state;
    address.url = "http://127.0.0.1:1/";
    assert_int_equal(xd_rabbitadmin_put_vhost(&address, g_why, sizeof g_why), XD_UNAVAILABLE);
    assert_true(strlen(g_why) > 0);
}

static void other_protocols_are_not_spoken(void **state) {
    struct xd_rabbitadmin_address address = g_address;
    (void)state;
    address.url = "file:///etc";
    assert_int_equal(xd_rabbitadmin_put_vhost(&address, g_why, sizeof g_why), XD_UNAVAILABLE);
}

static void hash_is_as_rabbitmq_documents_it(void **state) {
    /* The example of RabbitMQ's documentation of password hashing. */
    static const unsigned char salt[4] = {0x90, 0x8D, 0xC6, 0x0A};
    char hash[64];
    (void)state;
    xd_rabbitadmin_hash("test12", salt, hash);
    assert_string_equal(hash, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
}

static const char *setting(const char *name, const char *def) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : def;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_as_rabbitmq_documents_it),
        cmocka_unit_test(user_that_is_put_exists_until_it_is_deleted),
        cmocka_unit_test(hashed_password_and_permissions_are_what_the_broker_checks),
        cmocka_unit_test(queue_is_listed_with_its_state_in_time_until_it_is_deleted),
        cmocka_unit_test(queues_of_a_vhost_that_is_not_there_are_not_found),
        cmocka_unit_test(running_nodes_say_for_how_long_they_are_up),
        cmocka_unit_test(wrong_password_is_denied),
        cmocka_unit_test(nobody_there_is_unavailable),
        cmocka_unit_test(other_protocols_are_not_spoken),
    };
    const char *port = setting("XD_TEST_AMQP_MANAGEMENT_PORT", NULL);
    if (port == NULL) {
        (void)fprintf(stderr, "XD_TEST_AMQP_MANAGEMENT_PORT is not set: no broker to test against\n");
        return 1;
    }
    (void)snprintf(g_url, sizeof g_url, "http://127.0.0.1:%s", port);
    (void)snprintf(g_amqp_url, sizeof g_amqp_url, "amqp://127.0.0.1:%s",
                   setting("XD_TEST_AMQP_PORT", "5672"));
    (void)snprintf(g_vhost, sizeof g_vhost, "crossdock/test %d", (int)getpid());
    (void)snprintf(g_user, sizeof g_user, "crossdock/test %d", (int)getpid());
    g_address.url = g_url;
    g_address.username = setting("XD_TEST_AMQP_USER", "guest");
    g_address.password = setting("XD_TEST_AMQP_PASSWORD", "guest");
    g_address.vhost = g_vhost;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
