#include "hub/admission.h"

#include <string.h>

#define ALL_AT_ONCE "The order cannot be taken; errors[] says why, all at once."

static bool version_known(int64_t version) {
    return version >= 1 && version <= XD_ORDER_VERSION_MAX;
}

void xd_hub_form_allowed(const struct xd_client_row *client, const cJSON *order, struct xd_problems *problems,
                         struct xd_refusal *refusal) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(order, "schema_version");
    double number = cJSON_IsNumber(member) ? member->valuedouble : 1;
    *refusal = (struct xd_refusal){0};
    if ((member != NULL && !cJSON_IsNumber(member)) || number < 1 || number > INT32_MAX ||
        number != (double)(int64_t)number) {
        return;
    }
    int64_t version = (int64_t)number;
    if (!version_known(version)) {
        xd_problem_add(problems, "unknown_schema_version", "/schema_version",
                       "is %lld; this hub knows 1 to %d", (long long)version, XD_ORDER_VERSION_MAX);
        *refusal = (struct xd_refusal){422, "unknown_schema_version", ALL_AT_ONCE};
    } else if (client->schema_versions != 0 && (client->schema_versions >> version & 1) == 0) {
        xd_problem_add(problems, "schema_version_not_allowed", "/schema_version",
                       "is %lld, which this client may not send", (long long)version);
        *refusal = (struct xd_refusal){422, "schema_version_not_allowed",
                                       "This client sends orders of other versions; an administrator can "
                                       "allow more (crossdock clients set CLIENT --versions)."};
    }
}

bool xd_client_channel_allowed(const struct xd_client_row *client, const char *type) {
    size_t wanted = strlen(type);
    const char *at = client->channels;
    if (at[0] == 0) {
        return true;
    }
    while (*at != 0) {
        size_t size = strcspn(at, " ");
        if (size == wanted && memcmp(at, type, size) == 0) {
            return true;
        }
        at += size + (at[size] == ' ');
    }
    return false;
}

void xd_client_may_change(const struct xd_client_row *client, const struct xd_order_row *order,
                          struct xd_refusal *refusal) {
    *refusal = (struct xd_refusal){0};
    if (!xd_client_channel_allowed(client, order->channel_type)) {
        *refusal = (struct xd_refusal){403, "channel_not_allowed",
                                       "The order came by a channel that is not this client's, as an "
                                       "administrator set it up: who sent it can change it."};
    }
}

/* The first reason is the answer's; problems has all of them. */
static void refuse(struct xd_refusal *refusal, struct xd_refusal why) {
    if (refusal->code == NULL) {
        *refusal = why;
    }
}

static void check_channel(const struct xd_client_row *client, const char *type, struct xd_problems *problems,
                          struct xd_refusal *refusal) {
    char excerpt[XD_EXCERPT_SIZE];
    if (type != NULL && !xd_client_channel_allowed(client, type)) {
        (void)xd_problem_excerpt(type, excerpt);
        xd_problem_add(problems, "channel_not_allowed", "/channel/type",
                       "is %s, which this client may not use, but %s", excerpt, client->channels);
        refuse(refusal, (struct xd_refusal){
                            403, "channel_not_allowed",
                            "This client's orders come by other channels, which errors[] names; an "
                            "administrator can allow more (crossdock clients set CLIENT --channels)."});
    }
}

static void check_size(const struct xd_tenant_policy *policy, const struct xd_order *order, size_t body_size,
                       struct xd_problems *problems, struct xd_refusal *refusal) {
    if (policy->order_bytes_max > 0 && body_size > (uint64_t)policy->order_bytes_max) {
        xd_problem_add(problems, "order_too_large", "", "has %zu bytes; %lld are allowed for this tenant",
                       body_size, (long long)policy->order_bytes_max);
        refuse(refusal,
               (struct xd_refusal){413, "order_too_large",
                                   "The order is larger than this tenant's may be; send it in parts."});
    }
    if (policy->order_lines_max > 0 && order->line_count > (uint64_t)policy->order_lines_max) {
        xd_problem_add(problems, "too_many_lines", "/lines",
                       "has %zu lines; %lld are allowed for this tenant", order->line_count,
                       (long long)policy->order_lines_max);
        refuse(refusal, (struct xd_refusal){422, "too_many_lines",
                                            "The order has more lines than this tenant's may have; send it "
                                            "in parts."});
    }
}

void xd_admission_decide(const struct xd_client_row *client, const struct xd_tenant_policy *policy,
                         const struct xd_order *order, size_t body_size, struct xd_problems *problems,
                         struct xd_refusal *refusal) {
    *refusal = (struct xd_refusal){0};
    check_channel(client, order->channel_type, problems, refusal);
    check_size(policy, order, body_size, problems, refusal);
}

enum xd_result xd_hub_intake_allowed(struct xd_hub *hub, const struct xd_client_row *client,
                                     const char *tenant, const struct xd_order *order, size_t body_size,
                                     struct xd_problems *problems, struct xd_refusal *refusal) {
    struct xd_tenant_policy policy;
    enum xd_result result = xd_reference_tenant(hub, tenant, &policy);
    if (result == XD_OK) {
        xd_admission_decide(client, &policy, order, body_size, problems, refusal);
    }
    return result;
}
