/* What the engine finds in one block: for each expression the lines that it matches, each once.
 */
typedef struct {
    uint32_t *items;
    size_t length, room;
} Offsets;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Py_ssize_t expressions;
    int64_t *last;  /* of each expression, the end of the last line that was found in this block */
    Offsets found;  /* pairs: expression, end of line */
    PyObject *block;
    const char *data;
    size_t size;
    Py_ssize_t lines; /* newlines of the block */
    int failed;     /* out of memory */
    void *scratch;  /* what the engine's library needs to scan, see _library.h */
    void (*free_scratch)(void *);
} Hits;

static PyTypeObject *hits_type;

/* Without Python's lock: an error is told by the result alone. */
static int append(Offsets *list, size_t value)
{
    if (list->length == list->room) {
        size_t room = list->room ? list->room * 2 : 256;
        uint32_t *items = PyMem_RawRealloc(list->items, room * sizeof(uint32_t));
        if (items == NULL)
            return -1;
        list->items = items;
        list->room = room;
    }
    list->items[list->length++] = (uint32_t)value;
    return 0;
}

/* The engine reports the matches of one expression in the order of their ends. */
static int hit(Hits *self, size_t expression, size_t to)
{
    if ((int64_t)to <= self->last[expression])
        return 0;
    const char *newline = memchr(self->data + to, '\n', self->size - to);
    size_t end = newline ? (size_t)(newline - self->data) : self->size;
    self->last[expression] = (int64_t)end;
    return append(&self->found, expression) < 0 || append(&self->found, end) < 0 ? -1 : 0;
}

/* Called by the engine's Python binding for each match: (expression, from, to, flags, context). */
static PyObject *hits_call(PyObject *object, PyObject *const *args, size_t nargs, PyObject *names)
{
    Hits *self = (Hits *)object;
    if (PyVectorcall_NARGS(nargs) != 5 || names != NULL || self->block == NULL) {
        PyErr_SetString(PyExc_TypeError, "hits are called by the engine, with five arguments, within a block");
        return NULL;
    }
    size_t expression = PyLong_AsSize_t(args[0]), to = PyLong_AsSize_t(args[2]);
    if (PyErr_Occurred())
        return NULL;
    if (expression >= (size_t)self->expressions || to > self->size) {
        PyErr_SetString(PyExc_IndexError, "a match outside of the block or of an unknown expression");
        return NULL;
    }
    if (hit(self, expression, to) < 0)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static Py_ssize_t newlines(const char *data, size_t size)
{
    Py_ssize_t lines = 0;
    for (size_t n = 0; n < size;) {
        /* In parts whose count fits a byte for each lane, which the compiler makes vectors of. */
        size_t stop = n + 4096 < size ? n + 4096 : size;
        uint32_t part = 0;
        for (; n < stop; n++)
            part += data[n] == '\n';
        lines += part;
    }
    return lines;
}

/* Start with a block; its lines are still to be counted. */
static int start(Hits *self, PyObject *block)
{
    if (!PyBytes_Check(block) || PyBytes_GET_SIZE(block) >= (Py_ssize_t)UINT32_MAX) {
        PyErr_SetString(PyExc_TypeError, "a block is bytes, below 4 GiB");
        return -1;
    }
    Py_XSETREF(self->block, Py_NewRef(block));
    self->data = PyBytes_AS_STRING(block);
    self->size = (size_t)PyBytes_GET_SIZE(block);
    self->found.length = 0;
    for (Py_ssize_t n = 0; n < self->expressions; n++)
        self->last[n] = -1;
    return 0;
}

static PyObject *hits_begin(Hits *self, PyObject *block)
{
    if (start(self, block) < 0)
        return NULL;
    self->lines = newlines(self->data, self->size);
    Py_RETURN_NONE;
}

static void hits_dealloc(Hits *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->scratch != NULL)
        self->free_scratch(self->scratch);
    PyMem_RawFree(self->last);
    PyMem_RawFree(self->found.items);
    Py_CLEAR(self->block);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyObject *hits_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"expressions", NULL};
    Py_ssize_t expressions;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "n", names, &expressions))
        return NULL;
    Hits *self = (Hits *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->vectorcall = hits_call;
    self->expressions = expressions;
    self->last = PyMem_RawCalloc(expressions > 0 ? (size_t)expressions : 1, sizeof(int64_t));
    if (self->last == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static Hits *hits_of(PyObject *object)
{
    if (Py_TYPE(object) != hits_type) {
        PyErr_SetString(PyExc_TypeError, "Hits are needed");
        return NULL;
    }
    return (Hits *)object;
}

static PyMethodDef hits_methods[] = {
    {"begin", (PyCFunction)hits_begin, METH_O, "Start with a block of whole lines."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef hits_members[] = {
    {"lines", T_PYSSIZET, offsetof(Hits, lines), READONLY, "Lines of the block."},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Hits, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot hits_slots[] = {
    {Py_tp_new, hits_new},
    {Py_tp_dealloc, hits_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_methods, hits_methods},
    {Py_tp_members, hits_members},
    {Py_tp_doc, "What the engine finds in one block."},
    {0, NULL},
};

static PyType_Spec hits_spec = {
    "logscan_engine._native.Hits", sizeof(Hits), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, hits_slots,
};
