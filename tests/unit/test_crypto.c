/* Hashes against FIPS 180-4 and RFC 4231, signatures, hex. */
#include "base/crypto.h"
#include "posix/runtime/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned calls;

static void assert_hash(struct xd_hash hash, const char *expected) {
    char text[XD_HASH_TEXT_SIZE];
    assert_ptr_equal(xd_hash_write(&hash, text), text);
    assert_string_equal(text, expected);
}

static struct xd_bytes repeated(uint8_t *buffer, int value, size_t size) {
    memset(buffer, value, size);
    return xd_bytes_of(buffer, size);
}

static struct xd_key key_of(const char *kid, const char *secret) {
    struct xd_key key = {.secret_size = strlen(secret)};
    (void)snprintf(key.kid, sizeof key.kid, "%s", kid);
    memcpy(key.secret, secret, key.secret_size);
    return key;
}

static void the_self_test_passes(void **state) {
    (void)state;
    assert_int_equal(xd_crypto_self_test(), XD_OK);
}

static void sha256_gives_the_answers_of_fips_180(void **state) {
    (void)state;
    assert_hash(xd_sha256(xd_bytes_of(NULL, 0)),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash(xd_sha256(xd_bytes_of_text("abc")),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash(xd_sha256(xd_bytes_of_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_hash(xd_sha256(xd_bytes_of_text("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                           "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu")),
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    uint8_t *million = malloc(1000000);
    assert_non_null(million);
    assert_hash(xd_sha256(repeated(million, 'a', 1000000)),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void fast_sha256(struct xd_bytes a, struct xd_bytes b, uint8_t out[XD_HASH_SIZE]) {
    xd_fast_sha256(a, b, out);
    calls++;
}

static void wrong_once_sha256(struct xd_bytes a, struct xd_bytes b, uint8_t out[XD_HASH_SIZE]) {
    xd_fast_sha256(a, b, out);
    out[31] ^= a.size == 64 && b.size == 1;
}

static void what_the_port_puts_in_mbedtls_place_gives_the_same_hashes(void **state) {
    (void)state;
    struct xd_key key = key_of("k1", "secret");
    struct xd_bytes text = xd_bytes_of_text("a text");
    char before[XD_SIGNATURE_SIZE];
    char after[XD_SIGNATURE_SIZE];
    xd_sign(&key, text, before);
    assert_int_equal(xd_crypto_accelerate(fast_sha256), XD_OK);
    calls = 0;
    assert_hash(xd_sha256(xd_bytes_of_text("abc")),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(calls, 1);
    xd_sign(&key, text, after);
    assert_string_equal(after, before);
    assert_int_equal(xd_crypto_accelerate(NULL), XD_OK);
    assert_int_equal(calls, 3);
}

static void what_hashes_wrongly_is_not_put_in_mbedtls_place(void **state) {
    (void)state;
    assert_int_equal(xd_crypto_accelerate(wrong_once_sha256), XD_IO);
    assert_int_equal(xd_crypto_self_test(), XD_OK);
}

static void hmac_gives_the_answers_of_rfc_4231(void **state) {
    (void)state;
    uint8_t key[131];
    uint8_t data[50];
    assert_hash(xd_hmac(repeated(key, 0x0b, 20), xd_bytes_of_text("Hi There")),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hash(xd_hmac(xd_bytes_of_text("Jefe"), xd_bytes_of_text("what do ya want for nothing?")),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_hash(xd_hmac(repeated(key, 0xaa, 20), repeated(data, 0xdd, 50)),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    for (uint8_t i = 0; i < 25; i++) {
        key[i] = (uint8_t)(i + 1);
    }
    assert_hash(xd_hmac(xd_bytes_of(key, 25), repeated(data, 0xcd, 50)),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    struct xd_hash truncated = xd_hmac(repeated(key, 0x0c, 20), xd_bytes_of_text("Test With Truncation"));
    assert_memory_equal(truncated.bytes, "\xa3\xb6\x16\x74\x73\x10\x0e\xe0\x6e\x0c\x79\x6c\x29\x55\x55\x2b",
                        16);
    assert_hash(xd_hmac(repeated(key, 0xaa, 131),
                        xd_bytes_of_text("Test Using Larger Than Block-Size Key - Hash Key First")),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_hash(
        xd_hmac(repeated(key, 0xaa, 131),
                xd_bytes_of_text("This is a test using a larger than block-size key and a larger than "
                                 "block-size data. The key needs to be hashed before being used by the "
                                 "HMAC algorithm.")),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void a_key_of_one_block_is_not_hashed_first(void **state) {
    (void)state;
    /* 64 and 65 bytes lie on both sides of the rule; the values are Python's hmac's */
    uint8_t key[65];
    assert_hash(xd_hmac(repeated(key, 'k', 64), xd_bytes_of_text("x")),
                "f91c4c403625fb06910ef93999265bbd2d62baeaec6ff36455498cc124fe3e66");
    assert_hash(xd_hmac(repeated(key, 'k', 65), xd_bytes_of_text("x")),
                "75092ca3ee2b307470c227697b42b3e65376aa3bae98fb5a1f7b7536daa9588a");
    assert_hash(xd_hmac(xd_bytes_of(NULL, 0), xd_bytes_of(NULL, 0)),
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void a_chain_hashes_what_came_before_and_the_document(void **state) {
    (void)state;
    struct xd_hash start = {{0}};
    struct xd_hash document = xd_sha256(xd_bytes_of_text("abc"));
    uint8_t both[64] = {0};
    memcpy(both + 32, document.bytes, 32);
    struct xd_hash expected = xd_sha256(xd_bytes_of(both, sizeof both));
    struct xd_hash first = xd_chain(&start, &document);
    assert_true(xd_hash_equal(&first, &expected));
    struct xd_hash second = xd_chain(&first, &document);
    assert_false(xd_hash_equal(&first, &second));
    struct xd_hash swapped = xd_chain(&document, &start);
    assert_false(xd_hash_equal(&first, &swapped));
}

static void equality_sees_every_bit(void **state) {
    (void)state;
    struct xd_hash a = xd_sha256(xd_bytes_of_text("abc"));
    struct xd_hash b = a;
    assert_true(xd_hash_equal(&a, &b));
    for (unsigned bit = 0; bit < 256; bit++) {
        b.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(xd_hash_equal(&a, &b));
        b = a;
    }
}

static void hashes_are_read_as_written(void **state) {
    (void)state;
    struct xd_hash hash = xd_sha256(xd_bytes_of_text("abc"));
    struct xd_hash again = {{0}};
    char text[XD_HASH_TEXT_SIZE + 1];
    assert_int_equal(xd_hash_parse(xd_hash_write(&hash, text), &again), XD_OK);
    assert_true(xd_hash_equal(&hash, &again));
    text[64] = '0';
    text[65] = '\0';
    assert_int_equal(xd_hash_parse(text, &again), XD_INVALID);
    text[62] = '\0';
    assert_int_equal(xd_hash_parse(text, &again), XD_INVALID);
    assert_int_equal(xd_hash_parse("", &again), XD_INVALID);
    assert_int_equal(xd_hash_parse(NULL, &again), XD_INVALID);
    assert_true(xd_hash_equal(&hash, &again));
}

static void hex_is_read_in_either_case_and_no_other_way(void **state) {
    (void)state;
    uint8_t out[4];
    size_t size = 77;
    assert_int_equal(xd_hex_parse("00aFfA9b", out, sizeof out, &size), XD_OK);
    assert_int_equal(size, 4);
    assert_memory_equal(out, "\x00\xaf\xfa\x9b", 4);
    assert_int_equal(xd_hex_parse("", out, sizeof out, &size), XD_OK);
    assert_int_equal(size, 0);
    size = 77;
    static const char *const bad[] = {"0",  "abc", "0g", "g0", "0x",         " 0", "0 ",
                                      "/0", ":0",  "@0", "`0", "0011223344", "-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(xd_hex_parse(bad[i], out, sizeof out, &size), XD_INVALID);
    }
    assert_int_equal(xd_hex_parse(NULL, out, sizeof out, &size), XD_INVALID);
    assert_int_equal(size, 77);
}

static void the_checksum_of_less_than_a_word_is_fnv_1a(void **state) {
    (void)state;
    assert_true(xd_checksum(xd_bytes_of(NULL, 0)) == UINT64_C(0xcbf29ce484222325));
    assert_true(xd_checksum(xd_bytes_of_text("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(xd_checksum(xd_bytes_of_text("foobar")) == UINT64_C(0x85944171f73967e8));
}

static void the_checksum_of_words_stays_what_databases_hold(void **state) {
    (void)state;
    uint8_t data[21];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 37);
    }
    assert_true(xd_checksum(xd_bytes_of(data, 8)) == UINT64_C(0x8b09c3e4598c6fdf));
    assert_true(xd_checksum(xd_bytes_of(data, sizeof data)) == UINT64_C(0xd2b2e4caedd33884));
}

static void the_checksum_finds_the_same_bit_flipped_in_two_words(void **state) {
    (void)state;
    uint8_t data[32] = {0};
    uint64_t sum = xd_checksum(xd_bytes_of(data, sizeof data));
    for (size_t bit = 0; bit < 64; bit++) {
        for (size_t word = 0; word < 2; word++) {
            data[word * 8 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(xd_checksum(xd_bytes_of(data, sizeof data)) != sum);
        memset(data, 0, sizeof data);
    }
}

static void the_checksum_finds_each_flipped_bit(void **state) {
    (void)state;
    uint8_t data[100];
    uint64_t sum = xd_checksum(repeated(data, 0x5A, sizeof data));
    for (size_t bit = 0; bit < sizeof data * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(xd_checksum(xd_bytes_of(data, sizeof data)) != sum);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_signature_has_its_form_and_verifies(void **state) {
    (void)state;
    struct xd_key key = key_of("k1", "Jefe");
    struct xd_bytes body = xd_bytes_of_text("what do ya want for nothing?");
    char signature[XD_SIGNATURE_SIZE];
    xd_sign(&key, body, signature);
    assert_string_equal(signature,
                        "v1;kid=k1;mac=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(xd_verify(&key, body, signature), XD_OK);
}

static void the_longest_key_id_fits(void **state) {
    (void)state;
    struct xd_key key = key_of("abcdefghijklmnopqrstuvwxyz012345", "secret");
    char signature[XD_SIGNATURE_SIZE + 1];
    memset(signature, '#', sizeof signature);
    xd_sign(&key, xd_bytes_of_text("body"), signature);
    assert_int_equal(signature[XD_SIGNATURE_SIZE], '#');
    assert_int_equal(xd_verify(&key, xd_bytes_of_text("body"), signature), XD_OK);
}

static void other_bodies_keys_and_ids_are_denied(void **state) {
    (void)state;
    struct xd_key key = key_of("k1", "secret");
    struct xd_bytes body = xd_bytes_of_text("body");
    char signature[XD_SIGNATURE_SIZE];
    xd_sign(&key, body, signature);
    struct xd_key other_secret = key_of("k1", "secreu");
    struct xd_key other_id = key_of("k2", "secret");
    struct xd_key longer_id = key_of("k11", "secret");
    struct xd_key no_key = key_of("k1", "");
    assert_int_equal(xd_verify(&key, xd_bytes_of_text("bodz"), signature), XD_DENIED);
    assert_int_equal(xd_verify(&key, xd_bytes_of_text(""), signature), XD_DENIED);
    assert_int_equal(xd_verify(&other_secret, body, signature), XD_DENIED);
    assert_int_equal(xd_verify(&other_id, body, signature), XD_DENIED);
    assert_int_equal(xd_verify(&longer_id, body, signature), XD_DENIED);
    assert_int_equal(xd_verify(&no_key, body, signature), XD_DENIED);
    xd_sign(&no_key, body, signature);
    assert_int_equal(xd_verify(&no_key, body, signature), XD_DENIED);
}

static void a_change_of_any_character_is_denied(void **state) {
    (void)state;
    struct xd_key key = key_of("k1", "secret");
    struct xd_bytes body = xd_bytes_of_text("body");
    char signature[XD_SIGNATURE_SIZE + 1];
    xd_sign(&key, body, signature);
    size_t size = strlen(signature);
    for (size_t i = 0; i < size; i++) {
        char kept = signature[i];
        signature[i] = kept == '0' ? '1' : '0';
        assert_int_equal(xd_verify(&key, body, signature), XD_DENIED);
        signature[i] = '\0';
        assert_int_equal(xd_verify(&key, body, signature), XD_DENIED);
        signature[i] = kept;
    }
    signature[size] = ' ';
    signature[size + 1] = '\0';
    assert_int_equal(xd_verify(&key, body, signature), XD_DENIED);
    assert_int_equal(xd_verify(&key, body, NULL), XD_DENIED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_self_test_passes),
        cmocka_unit_test(sha256_gives_the_answers_of_fips_180),
        cmocka_unit_test(what_the_port_puts_in_mbedtls_place_gives_the_same_hashes),
        cmocka_unit_test(what_hashes_wrongly_is_not_put_in_mbedtls_place),
        cmocka_unit_test(hmac_gives_the_answers_of_rfc_4231),
        cmocka_unit_test(a_key_of_one_block_is_not_hashed_first),
        cmocka_unit_test(a_chain_hashes_what_came_before_and_the_document),
        cmocka_unit_test(equality_sees_every_bit),
        cmocka_unit_test(hashes_are_read_as_written),
        cmocka_unit_test(hex_is_read_in_either_case_and_no_other_way),
        cmocka_unit_test(the_checksum_of_less_than_a_word_is_fnv_1a),
        cmocka_unit_test(the_checksum_of_words_stays_what_databases_hold),
        cmocka_unit_test(the_checksum_finds_the_same_bit_flipped_in_two_words),
        cmocka_unit_test(the_checksum_finds_each_flipped_bit),
        cmocka_unit_test(a_signature_has_its_form_and_verifies),
        cmocka_unit_test(the_longest_key_id_fits),
        cmocka_unit_test(other_bodies_keys_and_ids_are_denied),
        cmocka_unit_test(a_change_of_any_character_is_denied),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
