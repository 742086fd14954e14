/* The work that is done once for every match and every matching line, in C: see tally.py, whose class `Tally` has the
 * same methods and is used where this module was not compiled. The tests run both on the same input.
 */
#define _GNU_SOURCE /* memrchr */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "_clock.h"

#define SEVERITIES 4

typedef struct {
    uint32_t *items;
    size_t length, room;
} Offsets;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Py_ssize_t expressions;
    uint8_t *severities;   /* of each expression; HELD for those that do not count by themselves */
    uint64_t *counts;      /* matching lines of each expression */
    uint64_t *thresholds;  /* the count from which on lines of an expression count as matched */
    uint64_t first;        /* so many first lines of each expression are samples, then those at powers of two */
    int64_t *last;         /* end of the last line that was counted, in this block */
    uint64_t by_severity[SEVERITIES];
    uint64_t matched;
    uint8_t *marks;        /* severities seen of the line that ends at an offset of this block */
    size_t marks_room;
    Offsets ends;          /* lines of this block with a mark */
    Offsets samples;       /* pairs: expression, end of line */
    Offsets *held;         /* ends of lines of each expression that does not count by itself */
    int64_t reference;     /* a time that is written without a year is of the year before this second */
    PyObject *block;
    const char *data;
    size_t size;
} Tally;

#define HELD 0xFF

static int append(Offsets *list, size_t value)
{
    if (list->length == list->room) {
        size_t room = list->room ? list->room * 2 : 256;
        uint32_t *items = PyMem_RawRealloc(list->items, room * sizeof(uint32_t));
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->length++] = (uint32_t)value;
    return 0;
}

static int count(Tally *self, size_t expression, size_t end)
{
    uint8_t severity = self->severities[expression], mark = self->marks[end];
    uint64_t lines = ++self->counts[expression];
    if (lines < self->thresholds[expression])
        return 0;
    if (!(mark & (1u << severity))) {
        self->by_severity[severity]++;
        if (mark == 0) {
            self->matched++;
            if (append(&self->ends, end) < 0)
                return -1;
        }
        self->marks[end] = mark | (uint8_t)(1u << severity);
    }
    uint64_t nth = lines - self->thresholds[expression] + 1;
    if (nth <= self->first || (nth & (nth - 1)) == 0) {
        if (append(&self->samples, expression) < 0 || append(&self->samples, end) < 0)
            return -1;
    }
    return 0;
}

/* Called by the engine for each match: (expression, from, to, flags, context). */
static PyObject *on_match(PyObject *object, PyObject *const *args, size_t nargs, PyObject *names)
{
    Tally *self = (Tally *)object;
    if (PyVectorcall_NARGS(nargs) != 5 || names != NULL || self->data == NULL) {
        PyErr_SetString(PyExc_TypeError, "a tally is called by the engine, with five arguments, within a block");
        return NULL;
    }
    size_t expression = PyLong_AsSize_t(args[0]), to = PyLong_AsSize_t(args[2]);
    if (PyErr_Occurred())
        return NULL;
    if (expression >= (size_t)self->expressions || to > self->size) {
        PyErr_SetString(PyExc_IndexError, "a match outside of the block or of an unknown expression");
        return NULL;
    }
    if ((int64_t)to > self->last[expression]) {
        const char *newline = memchr(self->data + to, '\n', self->size - to);
        size_t end = newline ? (size_t)(newline - self->data) : self->size;
        self->last[expression] = (int64_t)end;
        int failed = self->severities[expression] == HELD ? append(&self->held[expression], end)
                                                          : count(self, expression, end);
        if (failed < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *begin(Tally *self, PyObject *block)
{
    if (!PyBytes_Check(block) || PyBytes_GET_SIZE(block) >= (Py_ssize_t)UINT32_MAX) {
        PyErr_SetString(PyExc_TypeError, "a block is bytes, below 4 GiB");
        return NULL;
    }
    Py_XSETREF(self->block, Py_NewRef(block));
    self->data = PyBytes_AS_STRING(block);
    self->size = (size_t)PyBytes_GET_SIZE(block);
    if (self->size + 1 > self->marks_room) {
        PyMem_RawFree(self->marks);
        self->marks_room = 0;
        self->marks = PyMem_RawCalloc(self->size + 1, 1);
        if (self->marks == NULL)
            return PyErr_NoMemory();
        self->marks_room = self->size + 1;
    }
    for (Py_ssize_t n = 0; n < self->expressions; n++)
        self->last[n] = -1;
    Py_RETURN_NONE;
}

static PyObject *held(Tally *self, PyObject *unused)
{
    (void)unused;
    PyObject *found = PyDict_New();
    for (Py_ssize_t n = 0; found != NULL && n < self->expressions; n++) {
        Offsets *list = &self->held[n];
        if (list->length == 0)
            continue;
        PyObject *key = PyLong_FromSsize_t(n), *ends = PyList_New((Py_ssize_t)list->length);
        int failed = key == NULL || ends == NULL;
        for (size_t at = 0; !failed && at < list->length; at++) {
            PyObject *end = PyLong_FromUnsignedLong(list->items[at]);
            failed = end == NULL;
            if (!failed)
                PyList_SET_ITEM(ends, (Py_ssize_t)at, end);
        }
        if (failed || PyDict_SetItem(found, key, ends) < 0)
            Py_CLEAR(found);
        Py_XDECREF(key);
        Py_XDECREF(ends);
        list->length = 0;
    }
    return found;
}

static PyObject *accept(Tally *self, PyObject *args)
{
    Py_ssize_t expression;
    int severity;
    PyObject *ends;
    if (!PyArg_ParseTuple(args, "niO!", &expression, &severity, &PyList_Type, &ends))
        return NULL;
    if (expression < 0 || expression >= self->expressions || severity < 0 || severity >= SEVERITIES) {
        PyErr_SetString(PyExc_IndexError, "unknown expression or severity");
        return NULL;
    }
    self->severities[expression] = (uint8_t)severity;
    int failed = 0;
    for (Py_ssize_t n = 0; !failed && n < PyList_GET_SIZE(ends); n++) {
        size_t end = PyLong_AsSize_t(PyList_GET_ITEM(ends, n));
        failed = PyErr_Occurred() != NULL;
        if (!failed && end > self->size) {
            PyErr_SetString(PyExc_IndexError, "a line outside of the block");
            failed = 1;
        }
        failed = failed || count(self, (size_t)expression, end) < 0;
    }
    self->severities[expression] = HELD;
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static size_t start_of(const Tally *self, size_t end)
{
    const char *before = end ? memrchr(self->data, '\n', end) : NULL;
    return before ? (size_t)(before - self->data) + 1 : 0;
}

static int add_time(PyObject *times, int64_t second, const uint64_t *lines)
{
    PyObject *entry = Py_BuildValue("(LKKKK)", (long long)second, lines[0], lines[1], lines[2], lines[3]);
    int failed = entry == NULL || PyList_Append(times, entry) < 0;
    Py_XDECREF(entry);
    return failed ? -1 : 0;
}

/* Return [(second, lines of each severity)] for the matching lines of the block; lines in a row are added up. */
static PyObject *collect_times(Tally *self)
{
    PyObject *times = PyList_New(0);
    uint64_t lines[SEVERITIES] = {0};
    int64_t current = CLOCK_NONE;
    for (size_t n = 0; times != NULL && n < self->ends.length; n++) {
        size_t end = self->ends.items[n], start = start_of(self, end);
        uint8_t mark = self->marks[end];
        self->marks[end] = 0;
        int64_t second = clock_of_line(self->data + start, end - start, self->reference);
        if (second == CLOCK_NONE)
            continue;
        if (second != current && current != CLOCK_NONE && add_time(times, current, lines) < 0)
            Py_CLEAR(times);
        if (second != current)
            memset(lines, 0, sizeof lines);
        current = second;
        for (int severity = 0; severity < SEVERITIES; severity++)
            lines[severity] += (mark >> severity) & 1u;
    }
    if (times != NULL && current != CLOCK_NONE && add_time(times, current, lines) < 0)
        Py_CLEAR(times);
    self->ends.length = 0;
    return times;
}

static PyObject *end(Tally *self, PyObject *unused)
{
    (void)unused;
    PyObject *samples = PyList_New(0);
    for (size_t n = 0; samples != NULL && n < self->samples.length; n += 2) {
        size_t at = self->samples.items[n + 1];
        PyObject *entry = Py_BuildValue("(Inn)", self->samples.items[n], (Py_ssize_t)start_of(self, at), (Py_ssize_t)at);
        if (entry == NULL || PyList_Append(samples, entry) < 0)
            Py_CLEAR(samples);
        Py_XDECREF(entry);
    }
    self->samples.length = 0;
    PyObject *times = collect_times(self);
    self->data = NULL;
    Py_CLEAR(self->block);
    if (samples == NULL || times == NULL) {
        Py_XDECREF(samples);
        Py_XDECREF(times);
        return NULL;
    }
    return Py_BuildValue("(NN)", samples, times);
}

static PyObject *list_of(const uint64_t *values, Py_ssize_t length)
{
    PyObject *list = PyList_New(length);
    for (Py_ssize_t n = 0; list != NULL && n < length; n++) {
        PyObject *value = PyLong_FromUnsignedLongLong(values[n]);
        if (value == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, n, value);
    }
    return list;
}

static PyObject *get_counts(Tally *self, void *unused)
{
    (void)unused;
    return list_of(self->counts, self->expressions);
}

static PyObject *get_by_severity(Tally *self, void *unused)
{
    (void)unused;
    return list_of(self->by_severity, SEVERITIES);
}

static PyObject *get_matched(Tally *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->matched);
}

static void release(Tally *self)
{
    for (Py_ssize_t n = 0; self->held != NULL && n < self->expressions; n++)
        PyMem_RawFree(self->held[n].items);
    PyMem_RawFree(self->held);
    PyMem_RawFree(self->severities);
    PyMem_RawFree(self->counts);
    PyMem_RawFree(self->thresholds);
    PyMem_RawFree(self->last);
    PyMem_RawFree(self->marks);
    PyMem_RawFree(self->ends.items);
    PyMem_RawFree(self->samples.items);
    Py_CLEAR(self->block);
}

static void tally_dealloc(Tally *self)
{
    PyTypeObject *type = Py_TYPE(self);
    release(self);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyObject *tally_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"severities", "thresholds", "first", "reference", NULL};
    const char *severities;
    Py_ssize_t expressions;
    PyObject *thresholds;
    unsigned long long first;
    long long reference;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y#O!KL", names, &severities, &expressions, &PyList_Type, &thresholds,
                                     &first, &reference))
        return NULL;
    if (PyList_GET_SIZE(thresholds) != expressions) {
        PyErr_SetString(PyExc_ValueError, "there must be a severity and a threshold for each expression");
        return NULL;
    }
    Tally *self = (Tally *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    size_t room = expressions ? (size_t)expressions : 1;
    self->vectorcall = on_match;
    self->expressions = expressions;
    self->reference = reference;
    self->first = first;
    self->severities = PyMem_RawCalloc(room, 1);
    self->counts = PyMem_RawCalloc(room, sizeof(uint64_t));
    self->thresholds = PyMem_RawCalloc(room, sizeof(uint64_t));
    self->last = PyMem_RawCalloc(room, sizeof(int64_t));
    self->held = PyMem_RawCalloc(room, sizeof(Offsets));
    if (!self->severities || !self->counts || !self->thresholds || !self->last || !self->held) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t n = 0; n < expressions; n++) {
        self->severities[n] = (uint8_t)severities[n] < SEVERITIES ? (uint8_t)severities[n] : HELD;
        self->thresholds[n] = PyLong_AsUnsignedLongLong(PyList_GET_ITEM(thresholds, n));
    }
    if (PyErr_Occurred())
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyMethodDef methods[] = {
    {"begin", (PyCFunction)begin, METH_O, "Start with a block of whole lines."},
    {"held", (PyCFunction)held, METH_NOARGS, "Return the ends of lines of the expressions that are held, and forget them."},
    {"accept", (PyCFunction)accept, METH_VARARGS, "Count lines of an expression that is held."},
    {"end", (PyCFunction)end, METH_NOARGS, "End the block: return samples and times."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"counts", (getter)get_counts, NULL, "Lines of each expression.", NULL},
    {"by_severity", (getter)get_by_severity, NULL, "Lines with at least one rule of a severity.", NULL},
    {"matched", (getter)get_matched, NULL, "Lines with at least one rule.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Tally, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, tally_new},         {Py_tp_dealloc, tally_dealloc}, {Py_tp_call, PyVectorcall_Call},
    {Py_tp_methods, methods},       {Py_tp_getset, properties},     {Py_tp_members, members},
    {Py_tp_doc, "Counts matching lines, each once for each rule."}, {0, NULL},
};

static PyType_Spec spec = {
    "logscan_scanner._native.Tally", sizeof(Tally), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, slots,
};

static PyObject *count_lines(PyObject *module, PyObject *block)
{
    (void)module;
    if (!PyBytes_Check(block)) {
        PyErr_SetString(PyExc_TypeError, "a block is bytes");
        return NULL;
    }
    const char *data = PyBytes_AS_STRING(block);
    Py_ssize_t size = PyBytes_GET_SIZE(block), lines = 0;
    Py_BEGIN_ALLOW_THREADS;
    for (Py_ssize_t n = 0; n < size;) {
        /* In parts whose count fits a byte-wide sum, which the compiler vectorises. */
        Py_ssize_t stop = n + 255 * 32 < size ? n + 255 * 32 : size;
        uint32_t part = 0;
        for (; n < stop; n++)
            part += data[n] == '\n';
        lines += part;
    }
    Py_END_ALLOW_THREADS;
    return PyLong_FromSsize_t(lines);
}

static PyObject *clock_function(PyObject *module, PyObject *args)
{
    (void)module;
    const char *line;
    Py_ssize_t size;
    long long reference;
    if (!PyArg_ParseTuple(args, "y#L", &line, &size, &reference))
        return NULL;
    int64_t second = clock_of_line(line, (size_t)size, reference);
    if (second == CLOCK_NONE)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(second);
}

static PyMethodDef functions[] = {
    {"count_lines", count_lines, METH_O, "Return how many newlines a block has."},
    {"time_of", clock_function, METH_VARARGS, "Return the second that a line tells, or None."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "logscan_scanner._native", NULL, -1, functions, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void)
{
    PyObject *module = PyModule_Create(&definition), *type = PyType_FromSpec(&spec);
    if (module == NULL || type == NULL || PyModule_AddObjectRef(module, "Tally", type) < 0)
        Py_CLEAR(module);
    Py_XDECREF(type);
    return module;
}
