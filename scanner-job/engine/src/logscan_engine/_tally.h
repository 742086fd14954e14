/* Matching lines counted block by block: for each rule, for each severity, and by the time that they tell.
 */
#define SEVERITIES 4
#define HELD 0xFF

typedef struct {
    PyObject_HEAD
    Py_ssize_t expressions;
    uint8_t *severities;   /* of each expression; HELD for those that do not count by themselves */
    uint64_t *counts;      /* matching lines of each expression */
    uint64_t *thresholds;  /* the count from which on lines of an expression count as matched */
    uint64_t first;        /* so many first lines of each expression are samples, then those at powers of two */
    uint64_t by_severity[SEVERITIES];
    uint64_t matched;
    uint64_t lines;
    int64_t first_second, last_second;
    int64_t width;         /* seconds that are added up in what `end` returns */
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

static int count(Tally *self, size_t expression, unsigned severity, size_t end)
{
    uint8_t mark = self->marks[end];
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

static PyObject *take(Tally *self, PyObject *object)
{
    Hits *hits = hits_of(object);
    if (hits == NULL)
        return NULL;
    if (hits->expressions != self->expressions || hits->block == NULL) {
        PyErr_SetString(PyExc_ValueError, "hits of a block, for the same expressions, are needed");
        return NULL;
    }
    Py_XSETREF(self->block, Py_NewRef(hits->block));
    self->data = hits->data;
    self->size = hits->size;
    self->lines += (uint64_t)hits->lines;
    if (self->size + 1 > self->marks_room) {
        PyMem_RawFree(self->marks);
        self->marks_room = 0;
        self->marks = PyMem_RawCalloc(self->size + 1, 1);
        if (self->marks == NULL)
            return PyErr_NoMemory();
        self->marks_room = self->size + 1;
    }
    for (size_t n = 0; n < hits->found.length; n += 2) {
        size_t expression = hits->found.items[n], at = hits->found.items[n + 1];
        uint8_t severity = self->severities[expression];
        int failed = severity == HELD ? append(&self->held[expression], at) : count(self, expression, severity, at);
        if (failed < 0)
            return PyErr_NoMemory();
    }
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
    int failed = 0;
    for (Py_ssize_t n = 0; !failed && n < PyList_GET_SIZE(ends); n++) {
        size_t end = PyLong_AsSize_t(PyList_GET_ITEM(ends, n));
        failed = PyErr_Occurred() != NULL;
        if (!failed && end > self->size) {
            PyErr_SetString(PyExc_IndexError, "a line outside of the block");
            failed = 1;
        }
        failed = failed || count(self, (size_t)expression, (unsigned)severity, end) < 0;
    }
    if (failed)
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    Py_RETURN_NONE;
}

static size_t start_of(const Tally *self, size_t end)
{
    const char *before = end ? memrchr(self->data, '\n', end) : NULL;
    return before ? (size_t)(before - self->data) + 1 : 0;
}

typedef struct {
    int64_t start;
    uint64_t lines[SEVERITIES];
} Span;

static int add_span(PyObject *times, const Span *span)
{
    const uint64_t *lines = span->lines;
    PyObject *entry = Py_BuildValue("(LKKKK)", (long long)span->start, lines[0], lines[1], lines[2], lines[3]);
    int failed = entry == NULL || PyList_Append(times, entry) < 0;
    Py_XDECREF(entry);
    return failed ? -1 : 0;
}

/* Return [(start of a span of `width` seconds, lines of each severity)] for the matching lines of the block; lines of
 * one span in a row are added up. */
static PyObject *collect_times(Tally *self)
{
    PyObject *times = PyList_New(0);
    Span span = {CLOCK_NONE, {0}};
    for (size_t n = 0; times != NULL && n < self->ends.length; n++) {
        size_t at = self->ends.items[n], start = start_of(self, at);
        uint8_t mark = self->marks[at];
        self->marks[at] = 0;
        int64_t second = clock_of_line(self->data + start, at - start, self->reference);
        if (second == CLOCK_NONE)
            continue;
        if (self->first_second == CLOCK_NONE || second < self->first_second)
            self->first_second = second;
        if (self->last_second == CLOCK_NONE || second > self->last_second)
            self->last_second = second;
        int64_t first = second - second % self->width;
        if (first != span.start) {
            if (span.start != CLOCK_NONE && add_span(times, &span) < 0)
                Py_CLEAR(times);
            span = (Span){first, {0}};
        }
        for (int severity = 0; severity < SEVERITIES; severity++)
            span.lines[severity] += (mark >> severity) & 1u;
    }
    if (times != NULL && span.start != CLOCK_NONE && add_span(times, &span) < 0)
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

static PyObject *get_lines(Tally *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->lines);
}

static PyObject *second_or_none(int64_t second)
{
    if (second == CLOCK_NONE)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(second);
}

static PyObject *get_first_second(Tally *self, void *unused)
{
    (void)unused;
    return second_or_none(self->first_second);
}

static PyObject *get_last_second(Tally *self, void *unused)
{
    (void)unused;
    return second_or_none(self->last_second);
}

static PyObject *get_width(Tally *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(self->width);
}

static int set_width(Tally *self, PyObject *value, void *unused)
{
    (void)unused;
    long long width = value ? PyLong_AsLongLong(value) : 0;
    if (width <= 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "a width is at least one second");
        return -1;
    }
    self->width = width;
    return 0;
}

static void release(Tally *self)
{
    for (Py_ssize_t n = 0; self->held != NULL && n < self->expressions; n++)
        PyMem_RawFree(self->held[n].items);
    PyMem_RawFree(self->held);
    PyMem_RawFree(self->severities);
    PyMem_RawFree(self->counts);
    PyMem_RawFree(self->thresholds);
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
    self->width = 1;
    self->first_second = self->last_second = CLOCK_NONE;
    self->expressions = expressions;
    self->reference = reference;
    self->first = first;
    self->severities = PyMem_RawCalloc(room, 1);
    self->counts = PyMem_RawCalloc(room, sizeof(uint64_t));
    self->thresholds = PyMem_RawCalloc(room, sizeof(uint64_t));
    self->held = PyMem_RawCalloc(room, sizeof(Offsets));
    if (!self->severities || !self->counts || !self->thresholds || !self->held) {
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
    {"take", (PyCFunction)take, METH_O, "Start with a block of whole lines, and what was found in it."},
    {"held", (PyCFunction)held, METH_NOARGS, "Return the ends of lines of the expressions that are held, and forget them."},
    {"accept", (PyCFunction)accept, METH_VARARGS, "Count lines of an expression that is held."},
    {"end", (PyCFunction)end, METH_NOARGS, "End the block: return samples and times."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"counts", (getter)get_counts, NULL, "Lines of each expression.", NULL},
    {"by_severity", (getter)get_by_severity, NULL, "Lines with at least one rule of a severity.", NULL},
    {"lines", (getter)get_lines, NULL, "Lines of all blocks.", NULL},
    {"first_second", (getter)get_first_second, NULL, "The earliest second that a matching line tells, or None.", NULL},
    {"last_second", (getter)get_last_second, NULL, "The latest.", NULL},
    {"width", (getter)get_width, (setter)set_width, "Seconds that are added up.", NULL},
    {"matched", (getter)get_matched, NULL, "Lines with at least one rule.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, tally_new},
    {Py_tp_dealloc, tally_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, "Counts matching lines, each once for each rule."},
    {0, NULL},
};

static PyType_Spec tally_spec = {
    "logscan_engine._native.Tally", sizeof(Tally), 0, Py_TPFLAGS_DEFAULT, slots,
};
