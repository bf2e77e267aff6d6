//! The API's own description, and a check of answers against it.

use serde_json::Value;

/// An OpenAPI 3.1 document.
#[derive(Clone, Debug)]
pub struct Description(Value);

impl Description {
    /// Of a document.
    #[must_use]
    pub const fn of(document: Value) -> Self {
        Self(document)
    }

    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Value {
        &self.0
    }

    /// All local references in it.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.0, &mut found);
        found
    }

    /// The target of a reference.
    #[must_use]
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        self.0.pointer(reference.strip_prefix('#')?)
    }

    /// The schema of an operation's answer with a status.
    #[must_use]
    pub fn answer(&self, method: &str, path: &str, status: u64, content_type: &str) -> &Value {
        let answer = &self.0["paths"][path][method]["responses"][status.to_string()];
        &answer["content"][content_type]["schema"]
    }

    /// The differences of `value` from `schema`: types, required and unknown members, closed lists.
    #[must_use]
    pub fn differences(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.compare(schema, value, "", &mut found);
        found
    }

    fn compare(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            match self.resolve(reference) {
                Some(schema) => self.compare(schema, value, at, found),
                None => found.push(format!("{at}: {reference} leads nowhere")),
            }
            return;
        }
        if !schema.is_object() {
            found.push(format!("{at}: has no schema"));
            return;
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice: &&Value| self.differences(choice, value).is_empty();
            if choices.iter().filter(fits).count() != 1 {
                found.push(format!("{at}: is not exactly one of the choices"));
            }
            return;
        }
        if !is_of_type(&schema["type"], value) {
            found.push(format!("{at}: {value} is not of type {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            found.push(format!("{at}: {value} is not on the list"));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            found.push(format!("{at}: {value} is another word"));
        }
        for member in schema["required"].as_array().into_iter().flatten() {
            let name = member.as_str().unwrap_or_default();
            if value.get(name).is_none() {
                found.push(format!("{at}/{name}: is missing"));
            }
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Null) if schema.get("properties").is_none() => {}
                (Value::Null, more @ Value::Object(_)) => self.compare(more, inner, &at, found),
                (Value::Null, _) => found.push(format!("{at}: is not described")),
                (known, _) => self.compare(known, inner, &at, found),
            }
        }
        for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
            self.compare(&schema["items"], inner, &format!("{at}/{index}"), found);
        }
    }
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    let is = |wanted: &str| match wanted {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => false,
    };
    match wanted {
        Value::String(wanted) => is(wanted),
        Value::Array(several) => several.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference.clone());
            }
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}
