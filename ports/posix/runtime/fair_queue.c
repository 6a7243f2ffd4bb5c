/* Weighted round robin on two levels, by the same code: a ring of groups, and in each
 * a ring of flows. A ring's head is whose turn it is. At the start of its turn a node
 * gets its share as credit; each item costs one; when the credit is used up the ring
 * moves on. Who comes anew stands behind all others of its ring. A node is there only
 * while something waits in it, so that there are never more nodes than items, and
 * unused credit is not saved up.
 *
 * Invariants: every node has something waiting; count is the sum of the flows'. */
#include "posix/runtime/fair_queue.h"

#include "base/memory.h"

#include <string.h>

struct waiting {
    struct waiting *next;
    void *item;
};

struct node {
    struct node *next, *before; /* a ring */
    char *name;
    int64_t credit;
    struct node *flows;           /* of a group: the head of its ring */
    struct waiting *first, *last; /* of a flow */
    size_t count;                 /* of a flow */
};

struct xd_fair_queue {
    struct xd_fair_shares shares;
    struct node *groups;
    size_t flow_max, max, count;
};

/* ---- rings ---- */

static struct node *find(struct node *ring, const char *name) {
    struct node *node = ring;
    do {
        if (node == NULL || strcmp(node->name, name) == 0) {
            return node;
        }
        node = node->next;
    } while (node != ring);
    return NULL;
}

static struct node *node_new(const char *name) {
    struct node *node = xd_alloc(sizeof *node);
    char *copy = xd_copy_text(name);
    if (node == NULL || copy == NULL) {
        xd_free(node);
        xd_free(copy);
        return NULL;
    }
    node->name = copy;
    node->next = node->before = node;
    return node;
}

static void node_free(struct node *node) {
    if (node != NULL) {
        xd_free(node->name);
        xd_free(node);
    }
}

/* Behind all others: before the head. */
static void ring_add(struct node **ring, struct node *node) {
    if (*ring == NULL) {
        *ring = node;
        return;
    }
    node->next = *ring;
    node->before = (*ring)->before;
    node->before->next = node;
    (*ring)->before = node;
}

static void ring_drop_head(struct node **ring) {
    struct node *head = *ring;
    *ring = head->next == head ? NULL : head->next;
    head->before->next = head->next;
    head->next->before = head->before;
    node_free(head);
}

/* The head was served. */
static void ring_turn(struct node **ring, bool empty) {
    struct node *head = *ring;
    head->credit--;
    if (empty) {
        ring_drop_head(ring);
    } else if (head->credit <= 0) {
        *ring = head->next;
    }
}

/* ---- in ---- */

static void flow_add(struct node *flow, struct waiting *waiting) {
    if (flow->last != NULL) {
        flow->last->next = waiting;
    } else {
        flow->first = waiting;
    }
    flow->last = waiting;
    flow->count++;
}

enum xd_result xd_fair_queue_put(struct xd_fair_queue *queue, const char *group_name, const char *flow_name,
                                 void *item) {
    struct node *group = find(queue->groups, group_name);
    struct node *flow = group != NULL ? find(group->flows, flow_name) : NULL;
    if (queue->count >= queue->max || (flow != NULL && flow->count >= queue->flow_max)) {
        return XD_FULL;
    }
    struct waiting *waiting = xd_alloc(sizeof *waiting);
    struct node *new_group = group == NULL ? node_new(group_name) : NULL;
    struct node *new_flow = flow == NULL ? node_new(flow_name) : NULL;
    if (waiting == NULL || (group == NULL && new_group == NULL) || (flow == NULL && new_flow == NULL)) {
        xd_free(waiting);
        node_free(new_group);
        node_free(new_flow);
        return XD_NO_MEMORY;
    }
    if (new_group != NULL) {
        ring_add(&queue->groups, new_group);
        group = new_group;
    }
    if (new_flow != NULL) {
        ring_add(&group->flows, new_flow);
        flow = new_flow;
    }
    waiting->item = item;
    flow_add(flow, waiting);
    queue->count++;
    return XD_OK;
}

/* ---- out ---- */

static int64_t share(int64_t asked) {
    return asked < 1 ? 1 : asked > XD_FAIR_SHARE_MAX ? XD_FAIR_SHARE_MAX : asked;
}

void *xd_fair_queue_take(struct xd_fair_queue *queue) {
    struct node *group = queue->groups;
    if (group == NULL) {
        return NULL;
    }
    struct node *flow = group->flows;
    struct waiting *waiting = flow->first;
    void *item = waiting->item;
    if (group->credit <= 0) {
        group->credit = share(queue->shares.group(queue->shares.context, item));
    }
    if (flow->credit <= 0) {
        flow->credit = share(queue->shares.flow(queue->shares.context, item));
    }
    flow->first = waiting->next;
    flow->last = flow->first != NULL ? flow->last : NULL;
    flow->count--;
    queue->count--;
    xd_free(waiting);
    ring_turn(&group->flows, flow->first == NULL);
    ring_turn(&queue->groups, group->flows == NULL);
    return item;
}

size_t xd_fair_queue_count(const struct xd_fair_queue *queue) {
    return queue->count;
}

/* ---- life ---- */

enum xd_result xd_fair_queue_new(size_t flow_max, size_t max, const struct xd_fair_shares *shares,
                                 struct xd_fair_queue **out) {
    struct xd_fair_queue *queue = xd_alloc(sizeof *queue);
    *out = queue;
    if (queue == NULL) {
        return XD_NO_MEMORY;
    }
    queue->shares = *shares;
    queue->flow_max = flow_max;
    queue->max = max;
    return XD_OK;
}

static int64_t even(void *context, const void *item) {
    (void)context;
    (void)item;
    return 1;
}

void xd_fair_queue_free(struct xd_fair_queue *queue) {
    if (queue == NULL) {
        return;
    }
    queue->shares = (struct xd_fair_shares){.group = even, .flow = even};
    while (xd_fair_queue_take(queue) != NULL) {
    }
    xd_free(queue);
}
