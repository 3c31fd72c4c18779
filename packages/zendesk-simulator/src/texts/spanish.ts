import { type Language, topics } from './language.ts';

export const spanish: Language = {
  code: 'es',
  names: [
    'Lucía Fernández',
    'Íñigo Muñoz',
    'José Ángel Peña',
    'Ximena Ibáñez',
    'Begoña Núñez',
    'Martín Agüero',
  ],
  cities: ['Málaga', 'Bogotá', 'Mérida', 'Córdoba', 'Logroño', 'Valparaíso'],
  greetings: ['Hola:', 'Buenos días:', 'Estimado equipo de soporte:', '¡Buenas!'],
  closings: [
    'Un saludo,\n{n}',
    'Muchas gracias,\n{n}\n{c}',
    'Quedo a la espera de su respuesta.\n{n}',
    'Saludos cordiales\n{n}',
  ],
  asides: [
    'Soy clienta desde hace años y nunca había tenido problemas.',
    'Ya probé los pasos del centro de ayuda, sin éxito.',
    'A un compañero de {c} le pasa exactamente lo mismo.',
    '¿Cuánto suele tardar esto?',
    'En la captura se lee «póngase en contacto con soporte».',
    'Es la tercera vez que escribo por el pedido {o}.',
    'Mi consulta del {d} figura como resuelta, pero no lo está.',
    'Hasta el {d} todo funcionaba; no hemos cambiado nada.',
    'Prefiero que me respondan por escrito.',
    'Si hace falta, puedo enviar el registro completo.',
  ],
  topics: topics(
    [
      ['Reembolso del pedido {o} pendiente', '¿Dónde está mi reembolso?', 'No he recibido los {a}'],
      [
        'Devolví el {p} del pedido {o} el {d} y sigo esperando el reembolso de {a}.',
        'Me confirmaron el reembolso, pero en la cuenta no ha entrado nada.',
      ],
      [
        'Según el seguimiento, el paquete está en su almacén de {c}.',
        'En el extracto solo aparece el cargo de {a}.',
        'Confírmenme por escrito cuándo se hará el abono.',
      ],
    ],
    [
      ['El pedido {o} no ha llegado', 'Retraso en la entrega', '¿Paquete perdido camino de {c}?'],
      [
        'Mi pedido {o} tenía que llegar el {d} y sigo esperando.',
        'El transportista dice que dejó el {p} con un vecino, pero nadie lo tiene.',
      ],
      [
        'El seguimiento lleva seis días sin moverse.',
        'Necesito el {p} antes del fin de semana.',
        '¿Pueden enviar otro urgente a {c}?',
      ],
    ],
    [
      [
        'No puedo iniciar sesión desde esta mañana',
        'No llega el correo para cambiar la contraseña',
        'Cuenta bloqueada',
      ],
      [
        'Desde el {d} no puedo entrar en mi cuenta.',
        'Pedí cuatro veces una contraseña nueva y no llega ningún correo.',
      ],
      [
        'La página dice «sesión no válida» y vuelve al principio.',
        'Rechaza los códigos de doble factor.',
        'A mis compañeros les funciona.',
      ],
    ],
    [
      [
        'Importe incorrecto en la factura del pedido {o}',
        'Necesito una factura corregida',
        'Falta el NIF en la factura',
      ],
      [
        'La factura del pedido {o} es de {a}, y habíamos acordado menos.',
        'Contabilidad no puede registrar su factura porque falta el NIF.',
      ],
      [
        'La dirección de facturación es nuestra oficina de {c}.',
        'Envíen la factura corregida en PDF, por favor.',
        'El trimestre cierra el {d}.',
      ],
    ],
    [
      [
        'La aplicación {p} se cierra al abrir los ajustes',
        'La aplicación falla tras la actualización',
        'Pantalla en blanco',
      ],
      [
        'Desde la actualización del {d} la aplicación se cierra al abrir los ajustes.',
        'La aplicación de mi {p} muestra una pantalla en blanco y se cierra.',
      ],
      [
        'Ya la reinstalé dos veces.',
        'El informe de error tiene el número {o}.',
        'Pasa con wifi y con datos.',
      ],
    ],
    [
      ['{p} llegó dañado', 'Roto al recibirlo: pedido {o}', 'Pantalla rayada'],
      [
        'El {p} del pedido {o} llegó dañado, la caja estaba aplastada.',
        'Al desempaquetar el {p} vi que la pantalla está rayada.',
      ],
      [
        'Adjunto fotos; el embalaje venía abierto.',
        'Quiero un cambio, no un vale.',
        'El repartidor también hizo una foto.',
      ],
    ],
    [
      ['Cancelar mi suscripción', 'Cancelar el pedido {o}', '¿Cómo doy de baja mi plan?'],
      ['Quiero cancelar mi suscripción a final de mes.', 'Cancelen el pedido {o}, aún no se ha enviado.'],
      [
        'Me han vuelto a cobrar {a} aunque cancelé el {d}.',
        'El botón de baja no hace nada.',
        'Confírmenlo por correo, por favor.',
      ],
    ],
    [
      [
        'La API devuelve 502 desde el {d}',
        'La firma del webhook no coincide',
        'Límite de peticiones menor que el documentado',
      ],
      [
        'Nuestra integración recibe un 502 en una de cada veinte peticiones desde el {d}.',
        'El webhook llega con una firma que no se puede verificar.',
      ],
      [
        'La petición {o} es un ejemplo.',
        'Reintentamos, pero faltan eventos.',
        'La página de estado está toda en verde.',
      ],
    ],
  ),
};
