/* A party of an order or a release. Both tables hold the same members: only a
 * ship-to must be complete, the other parties may be known by their id alone. */
#include "documents/order.h"

#define ADDRESS_LINES_MAX 6u
#define POSTAL_CODE_MAX 32u
#define PHONE_MAX 64u

#define PARTY_ROWS(needed)                                                                                   \
    {.name = "id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct xd_party, id)},                       \
        {.name = "name",                                                                                     \
         .type = XD_FIELD_TEXT,                                                                              \
         .required = (needed),                                                                               \
         .min = (needed),                                                                                    \
         XD_AT(struct xd_party, name)},                                                                      \
        {.name = "address",                                                                                  \
         .type = XD_FIELD_TEXTS,                                                                             \
         .required = (needed),                                                                               \
         .min = (needed),                                                                                    \
         .max = ADDRESS_LINES_MAX,                                                                           \
         XD_AT2(struct xd_party, address, address_count)},                                                   \
        {.name = "city",                                                                                     \
         .type = XD_FIELD_TEXT,                                                                              \
         .required = (needed),                                                                               \
         .min = (needed),                                                                                    \
         XD_AT(struct xd_party, city)},                                                                      \
        {.name = "region", .type = XD_FIELD_TEXT, XD_AT(struct xd_party, region)},                           \
        {.name = "postal_code",                                                                              \
         .type = XD_FIELD_TEXT,                                                                              \
         .required = (needed),                                                                               \
         .min = (needed),                                                                                    \
         .max = POSTAL_CODE_MAX,                                                                             \
         XD_AT(struct xd_party, postal_code)},                                                               \
        {.name = "country",                                                                                  \
         .type = XD_FIELD_COUNTRY,                                                                           \
         .required = (needed),                                                                               \
         XD_AT(struct xd_party, country)},                                                                   \
        {.name = "phone", .type = XD_FIELD_TEXT, .max = PHONE_MAX, XD_AT(struct xd_party, phone)},           \
        {.name = "email", .type = XD_FIELD_TEXT, XD_AT(struct xd_party, email)}, {                           \
        .name = NULL                                                                                         \
    }

const struct xd_field xd_party_ship_to_fields[] = {PARTY_ROWS(true)};
const struct xd_field xd_party_fields[] = {PARTY_ROWS(false)};
