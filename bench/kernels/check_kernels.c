// Holds the C kernels of the processor that this runs on against a walk over thresholds, bit for bit, on random forests that it
// lays out by itself: for processors that the Swift tests do not run on (see `neon`). Prints what differs; exits 1 if anything
// does.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay_kernels.h"

enum { FEATURES_MAX = 24, THRESHOLDS_MAX = 700, TREES_MAX = 41, DEPTH_MAX = 8, NODES_MAX = 2 << DEPTH_MAX, ROWS = 210 };

static uint64_t state;

static uint32_t draw(uint32_t count) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % count);
}

static double draw_value(int is_double) {
    const double value = ((double)draw(1u << 30) / (1 << 28)) - 2;
    return is_double ? value : (double)(float)value;
}

/// A split by thresholds, or a leaf if its left child is 0.
typedef struct split {
    uint32_t feature, index, goes_right_if_missing, left, leaf;
} split;

typedef struct forest {
    uint32_t feature_count, tree_count, depth, raw_count, leaf_count, threshold_count[FEATURES_MAX];
    int features_are_double, sums_are_double;
    double thresholds[FEATURES_MAX][THRESHOLDS_MAX];
    split trees[TREES_MAX][NODES_MAX];
    uint32_t node_count[TREES_MAX];
    double leaves[TREES_MAX * NODES_MAX];
} forest;

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void grow(forest *f, split *tree, uint32_t *count) {
    uint32_t levels[NODES_MAX] = {0};
    *count = 1;
    for (uint32_t node = 0; node < *count; node++) {
        tree[node] = (split){.leaf = 0};
        if (levels[node] == f->depth || draw(9) == 0) {
            tree[node].leaf = f->leaf_count;
            const double value = draw_value(f->sums_are_double);
            f->leaves[f->leaf_count++] = f->sums_are_double ? value : (double)(float)value;
            continue;
        }
        const uint32_t feature = draw(f->feature_count);
        tree[node] = (split){feature, draw(f->threshold_count[feature]), draw(2), *count, 0};
        levels[*count] = levels[*count + 1] = levels[node] + 1;
        *count += 2;
    }
}

static void make_forest(forest *f) {
    static const uint32_t counts[] = {1, 3, 15, 16, 17, 40, 254, 255, 256, 300, 600};
    f->feature_count = 1 + draw(FEATURES_MAX);
    f->tree_count = 1 + draw(TREES_MAX);
    f->depth = draw(DEPTH_MAX + 1);
    f->raw_count = draw(3) == 0 ? 3 : 1;
    f->features_are_double = (int)draw(2);
    f->sums_are_double = (int)draw(2);
    f->leaf_count = 0;
    for (uint32_t feature = 0; feature < f->feature_count; feature++) {
        const uint32_t count = counts[draw(sizeof counts / sizeof *counts)];
        double *thresholds = f->thresholds[feature];
        for (uint32_t index = 0; index < count; index++) thresholds[index] = draw_value(f->features_are_double);
        thresholds[0] = 0;
        qsort(thresholds, count, sizeof(double), compare);
        uint32_t kept = 0;
        for (uint32_t index = 0; index < count; index++) {
            if (index == 0 || thresholds[index] != thresholds[kept - 1]) thresholds[kept++] = thresholds[index];
        }
        f->threshold_count[feature] = kept;
    }
    for (uint32_t tree = 0; tree < f->tree_count; tree++) grow(f, f->trees[tree], &f->node_count[tree]);
}

static uint32_t leaf_of(const forest *f, uint32_t tree, const double *row) {
    const split *node = f->trees[tree];
    while (node->left) {
        const double value = row[node->feature];
        const int right = isnan(value) ? (int)node->goes_right_if_missing : !(value < f->thresholds[node->feature][node->index]);
        node = f->trees[tree] + node->left + right;
    }
    return node->leaf;
}

/// Memory for the arrays of one layout, zeroed and aligned, never given back: the program is short.
static void *room(size_t size) {
    void *memory = aligned_alloc(64, (size + 127) / 64 * 64);
    if (!memory) abort();
    return memset(memory, 0, (size + 127) / 64 * 64);
}

/// Numbers in the precision that a kernel reads.
static void *numbers(const double *values, size_t count, int are_double) {
    double *doubles = room(count * sizeof(double));
    if (are_double) return memcpy(doubles, values, count * sizeof(double));
    float *singles = (float *)doubles;
    for (size_t index = 0; index < count; index++) singles[index] = (float)values[index];
    return singles;
}

/// The forest's own nodes.
static void lay_nodes(const forest *f, assay_forest *c) {
    const uint32_t padded = (f->tree_count + 7) / 8 * 8;
    assay_node *nodes = room((TREES_MAX + 1) * NODES_MAX * sizeof *nodes);
    uint32_t *roots = room(padded * sizeof *roots), *outputs = room(padded * sizeof *outputs);
    uint32_t *depths = room(padded * sizeof *depths);
    uint32_t *leaf_numbers = room((f->leaf_count + 1) * sizeof *leaf_numbers);
    double *leaves = room((f->leaf_count + 1) * sizeof *leaves), *margins = room(3 * sizeof *margins);
    uint32_t count = 0;
    for (uint32_t tree = 0; tree < f->tree_count; tree++) {
        roots[tree] = count;
        outputs[tree] = tree % f->raw_count;
        for (uint32_t node = 0; node < f->node_count[tree]; node++, count++) {
            const split *s = &f->trees[tree][node];
            const uint32_t slot = 1 + 2 * s->feature + s->goes_right_if_missing;
            nodes[count] = s->left ? (assay_node){s->index, (s->left - node) << 10 | slot} : (assay_node){s->leaf, 0};
        }
    }
    nodes[count] = (assay_node){f->leaf_count, 0};
    for (uint32_t tree = f->tree_count; tree < padded; tree++) roots[tree] = count;
    for (uint32_t group = 0; group < padded / 8; group++) depths[group] = f->depth;
    for (uint32_t leaf = 0; leaf < f->leaf_count; leaf++) leaf_numbers[leaf] = 7 * leaf + 1;
    memcpy(leaves, f->leaves, f->leaf_count * sizeof *leaves);
    leaves[f->leaf_count] = -0.0;
    for (int output = 0; output < 3; output++) margins[output] = 0.25 * output;
    *c = (assay_forest){
        .nodes = nodes, .roots = roots, .tree_outputs = outputs, .group_depths = depths, .base_margins = margins,
        .leaf_values = numbers(leaves, f->leaf_count + 1, f->sums_are_double), .leaf_numbers = leaf_numbers,
        .feature_count = f->feature_count, .slot_count = 1 + 2 * f->feature_count, .slot_bit_count = 10,
        .tree_count = f->tree_count, .raw_count = f->raw_count, .leaf_width = 1,
        .features_are_double = (uint8_t)f->features_are_double, .sums_are_double = (uint8_t)f->sums_are_double};
}

/// The blocks of 16 thresholds; every chunk of 255 has a slot for each direction.
static void lay_ranks(const forest *f, assay_plan *plan) {
    double *values = room(FEATURES_MAX * 1024 * sizeof *values);
    assay_rank *ranks = room(FEATURES_MAX * sizeof *ranks);
    uint32_t *upper = room(FEATURES_MAX * sizeof *upper);
    assay_chunk *chunks = room(FEATURES_MAX * 4 * sizeof *chunks);
    uint32_t value_count = 0, rank_count = 0, chunk_count = 0, ends[4] = {0};
    for (uint32_t levels = 1; levels <= 3; levels++) {
        for (uint32_t feature = 0; feature < f->feature_count; feature++) {
            const uint32_t count = f->threshold_count[feature];
            if ((count <= 16 ? 1u : count <= 255 ? 2u : 3u) != levels) continue;
            assay_rank *rank = &ranks[rank_count];
            *rank = (assay_rank){
                .feature = feature, .level_count = (uint16_t)levels, .upper = rank_count, .first_chunk = chunk_count,
                .chunk_count = (uint16_t)((count + 254) / 255)};
            for (uint32_t chunk = 0; chunk < rank->chunk_count; chunk++, chunk_count++) {
                chunks[chunk_count] = (assay_chunk){(uint16_t)(2 * chunk_count), (uint16_t)(2 * chunk_count + 1)};
            }
            rank->chunk = chunks[rank->first_chunk];
            double level[1024];
            uint32_t size = count;
            memcpy(level, f->thresholds[feature], count * sizeof *level);
            if (size > 16) level[size++] = NAN;
            for (uint32_t index = 0; index < levels; index++) {
                while (size % 16) level[size++] = NAN;
                *(index < 2 ? &rank->levels[index] : &upper[rank_count]) = value_count;
                memcpy(values + value_count, level, size * sizeof *level);
                value_count += size;
                for (uint32_t block = 0; block < size / 16; block++) level[block] = level[16 * block + 15];
                size /= 16;
            }
            rank_count++;
        }
        ends[levels] = rank_count;
    }
    plan->rank_values = numbers(values, value_count, f->features_are_double);
    plan->ranks = ranks;
    plan->upper_levels = upper;
    plan->rank_count = rank_count;
    plan->one_level_end = ends[1];
    plan->two_level_end = ends[2];
    plan->chunks = chunks;
    plan->slot_count = 2 * chunk_count;
}

static void lay_pair(
    const forest *f, const assay_plan *plan, uint16_t *pairs, uint32_t *ordinals, uint32_t tree, uint32_t node, uint32_t place,
    uint32_t left) {
    const split *s = &f->trees[tree][node];
    if (!s->left) {
        ordinals[(place << left) - (1u << (f->depth < 2 ? 2 : f->depth))] = s->leaf;
        return;
    }
    for (uint32_t rank = 0; rank < plan->rank_count; rank++) {
        if (plan->ranks[rank].feature != s->feature) continue;
        const assay_chunk chunk = plan->chunks[plan->ranks[rank].first_chunk + s->index / 255];
        pairs[place] = (uint16_t)((s->goes_right_if_missing ? chunk.right : chunk.left) | (s->index % 255) << 8);
    }
    lay_pair(f, plan, pairs, ordinals, tree, s->left, 2 * place, left - 1);
    lay_pair(f, plan, pairs, ordinals, tree, s->left + 1, 2 * place + 1, left - 1);
}

/// Complete trees of pairs.
static void lay_pairs(const forest *f, assay_plan *plan) {
    const uint32_t levels = f->depth < 2 ? 2 : f->depth, padded = (f->tree_count + 7) / 8 * 8, size = 1u << levels;
    uint16_t *pairs = room((size_t)padded * size * sizeof *pairs);
    uint32_t *ordinals = room((size_t)padded * size * sizeof *ordinals);
    double *values = room((size_t)padded * size * sizeof *values);
    for (uint32_t index = 0; index < padded * size; index++) {
        pairs[index] = 0xff00;
        ordinals[index] = f->leaf_count;
    }
    for (uint32_t tree = 0; tree < f->tree_count; tree++) {
        lay_pair(f, plan, pairs + tree * size, ordinals + tree * size, tree, 0, 1, levels);
    }
    for (uint32_t index = 0; index < padded * size; index++) {
        values[index] = ordinals[index] == f->leaf_count ? -0.0 : f->leaves[ordinals[index]];
    }
    assay_run *run = room(sizeof *run);
    *run = (assay_run){
        .kind = ASSAY_RUN_PAIRS, .level_count = levels, .tree_count = f->tree_count, .links = pairs,
        .values = numbers(values, (size_t)padded * size, f->sums_are_double), .ordinals = ordinals};
    plan->runs = run;
    plan->run_count = 1;
    plan->is_blendable = levels <= 6;
}

static double draw_feature(const forest *f, uint32_t feature) {
    static const double special[] = {NAN, 0, -0.0, INFINITY, -INFINITY, 1e-40, -1e-40, 3e38};
    const double threshold = f->thresholds[feature][draw(f->threshold_count[feature])];
    switch (draw(6)) {
    case 0: return special[draw(8)];
    case 1: return draw_value(0);
    case 2: return f->features_are_double ? nextafter(threshold, -9) : (double)nextafterf((float)threshold, -9);
    default: return threshold;
    }
}

static int check(
    const forest *f, const assay_scorer *scorer, int kernel, const double *rows, int are_double, size_t count, const char *what) {
    static double raw[ROWS * 3];
    static uint32_t leaves[ROWS * TREES_MAX];
    static float singles[ROWS * FEATURES_MAX];
    for (size_t index = 0; index < ROWS * f->feature_count; index++) singles[index] = (float)rows[index];
    for (size_t first = 0; first < ROWS; first += count) {
        const size_t offset = first * f->feature_count;
        const void *values = are_double ? (const void *)(rows + offset) : (const void *)(singles + offset);
        const assay_rows some = {values, ROWS - first < count ? ROWS - first : count, (uint8_t)are_double};
        assay_score(kernel, scorer, &some, raw + first * f->raw_count);
        assay_leaves(kernel, scorer, &some, leaves + first * f->tree_count);
    }
    for (size_t row = 0; row < ROWS; row++) {
        double input[FEATURES_MAX], sums[3] = {0, 0.25, 0.5};
        for (uint32_t feature = 0; feature < f->feature_count; feature++) {
            const double value = rows[row * f->feature_count + feature];
            input[feature] = are_double && f->features_are_double ? value : (double)(float)value;
        }
        int differs = 0;
        for (uint32_t tree = 0; tree < f->tree_count; tree++) {
            const uint32_t leaf = leaf_of(f, tree, input);
            double *sum = &sums[tree % f->raw_count];
            *sum = f->sums_are_double ? *sum + f->leaves[leaf] : (double)((float)*sum + (float)f->leaves[leaf]);
            differs |= leaves[row * f->tree_count + tree] != 7 * leaf + 1;
        }
        differs |= memcmp(sums, raw + row * f->raw_count, f->raw_count * sizeof *sums) != 0;
        if (differs) {
            printf("kernel %d, %s, %zu rows at a time: row %zu differs\n", kernel, what, count, row);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    const int forest_count = argc > 1 ? atoi(argv[1]) : 200;
    static forest f;
    static double rows[ROWS * FEATURES_MAX];
    int differences = 0, checks = 0;
    for (int seed = 1; seed <= forest_count; seed++) {
        state = (uint64_t)seed * 0x9e3779b97f4a7c15u;
        make_forest(&f);
        assay_scorer scorer = {0};
        lay_nodes(&f, &scorer.forest);
        lay_ranks(&f, &scorer.plan);
        for (uint32_t row = 0; row < ROWS; row++) {
            for (uint32_t feature = 0; feature < f.feature_count; feature++) {
                rows[row * f.feature_count + feature] = draw_feature(&f, feature);
            }
        }
        assay_scorer without = scorer;
        without.plan.slot_count = 0;
        lay_pairs(&f, &scorer.plan);
        static const size_t counts[] = {1, 5, 33, 64, 100, ROWS};
        for (int kernel = ASSAY_KERNEL_PORTABLE; kernel <= ASSAY_KERNEL_NEON; kernel++) {
            // AVX-512 has another layout of trees.
            if (!assay_kernel_is_available(kernel) || kernel == ASSAY_KERNEL_AVX512) continue;
            for (size_t index = 0; index < sizeof counts / sizeof *counts; index++) {
                for (int are_double = 0; are_double <= 1; are_double++, checks += 2) {
                    differences += check(&f, &scorer, kernel, rows, are_double, counts[index], "pairs");
                    differences += check(&f, &without, kernel, rows, are_double, counts[index], "nodes");
                }
            }
        }
    }
    printf("%d forests, %d checks, %d differences\n", forest_count, checks, differences);
    return differences != 0;
}
