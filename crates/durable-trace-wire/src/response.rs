//! The status of a response, without serialising the rest of it.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize, Serializer};

/// How an invocation ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ResponseStatus {
    /// The execution has failed.
    Failed,
    /// The execution sleeps, and will be invoked again.
    Pending,
    /// The execution has succeeded.
    Succeeded,
}

impl ResponseStatus {
    /// Returns the word on the wire, in upper case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Pending => "PENDING",
            Self::Succeeded => "SUCCEEDED",
        }
    }

    /// Reads the word on the wire; another case is another word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Failed, Self::Pending, Self::Succeeded]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// What a response says about its invocation.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvocationStatus {
    /// `Status`.
    pub status: ResponseStatus,
    /// `Error.ErrorType`, if the execution has failed.
    pub error_type: Option<String>,
    /// `Error.ErrorMessage`, if the execution has failed.
    pub error_message: Option<String>,
}

/// Returns the status of a durable response, or `None` if it is none: no object, or without one of
/// the three words as `Status`.
///
/// The response says it of itself, through its [`Serialize`]; no other member is looked into, so a
/// result of megabytes costs nothing.
pub fn response_status<T: Serialize + ?Sized>(response: &T) -> Option<InvocationStatus> {
    let mut seen = Seen::default();
    // A response that stops half way has still said what it has said.
    _ = response.serialize(Peek {
        seen: &mut seen,
        place: Place::Response,
    });
    let status = seen.status?;
    let failed = status == ResponseStatus::Failed;
    Some(InvocationStatus {
        status,
        error_type: seen.error_type.filter(|_| failed),
        error_message: seen.error_message.filter(|_| failed),
    })
}

#[derive(Default)]
struct Seen {
    status: Option<ResponseStatus>,
    error_type: Option<String>,
    error_message: Option<String>,
    /// The member that the name read last stands for.
    named: Option<Place>,
}

/// Where in the response we are.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Error,
    ErrorMessage,
    /// The name of a member of the error.
    ErrorName,
    ErrorType,
    Response,
    /// The name of a member of the response.
    ResponseName,
    Status,
}

impl Place {
    fn name(self) -> Option<Self> {
        match self {
            Self::Error => Some(Self::ErrorName),
            Self::Response => Some(Self::ResponseName),
            _ => None,
        }
    }

    fn member(self, name: &str) -> Option<Self> {
        match (self, name) {
            (Self::Error, "ErrorMessage") => Some(Self::ErrorMessage),
            (Self::Error, "ErrorType") => Some(Self::ErrorType),
            (Self::Response, "Error") => Some(Self::Error),
            (Self::Response, "Status") => Some(Self::Status),
            _ => None,
        }
    }
}

/// A serialiser that writes nothing and notes what it looks for.
struct Peek<'s> {
    seen: &'s mut Seen,
    place: Place,
}

/// The members of the object at a place.
struct PeekMembers<'s> {
    seen: &'s mut Seen,
    place: Place,
}

impl PeekMembers<'_> {
    fn look<T: Serialize + ?Sized>(&mut self, place: Option<Place>, value: &T) {
        if let Some(place) = place {
            // What is not of the expected type counts as absent.
            _ = value.serialize(Peek {
                seen: self.seen,
                place,
            });
        }
    }
}

/// Not what is expected here.
#[derive(Debug)]
struct Unexpected;

impl Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not what is expected here")
    }
}

impl std::error::Error for Unexpected {}

impl ser::Error for Unexpected {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

macro_rules! unexpected {
    ($($method:ident($($argument:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$result, Unexpected> { Err(Unexpected) })*
    };
}

impl<'s> Serializer for Peek<'s> {
    type Ok = ();
    type Error = Unexpected;
    type SerializeSeq = Impossible<(), Unexpected>;
    type SerializeTuple = Impossible<(), Unexpected>;
    type SerializeTupleStruct = Impossible<(), Unexpected>;
    type SerializeTupleVariant = Impossible<(), Unexpected>;
    type SerializeMap = PeekMembers<'s>;
    type SerializeStruct = PeekMembers<'s>;
    type SerializeStructVariant = Impossible<(), Unexpected>;

    fn serialize_str(self, text: &str) -> Result<(), Unexpected> {
        match self.place {
            Place::ErrorMessage => self.seen.error_message = Some(text.to_owned()),
            Place::ErrorType => self.seen.error_type = Some(text.to_owned()),
            Place::Status => self.seen.status = ResponseStatus::parse(text),
            Place::ErrorName => self.seen.named = Place::Error.member(text),
            Place::ResponseName => self.seen.named = Place::Response.member(text),
            Place::Error | Place::Response => return Err(Unexpected),
        }
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unexpected> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unexpected> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unexpected> {
        value.serialize(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<PeekMembers<'s>, Unexpected> {
        Ok(PeekMembers {
            seen: self.seen,
            place: self.place,
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<PeekMembers<'s>, Unexpected> {
        self.serialize_map(None)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Unexpected> {
        Err(Unexpected)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unexpected> {
        Err(Unexpected)
    }

    unexpected! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

impl ser::SerializeMap for PeekMembers<'_> {
    type Ok = ();
    type Error = Unexpected;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unexpected> {
        self.seen.named = None;
        self.look(self.place.name(), key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unexpected> {
        let place = self.seen.named.take();
        self.look(place, value);
        Ok(())
    }

    fn end(self) -> Result<(), Unexpected> {
        Ok(())
    }
}

impl ser::SerializeStruct for PeekMembers<'_> {
    type Ok = ();
    type Error = Unexpected;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unexpected> {
        self.look(self.place.member(name), value);
        Ok(())
    }

    fn end(self) -> Result<(), Unexpected> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
